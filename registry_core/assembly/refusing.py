"""Refuse a pipeline whose rules do not fit the built model."""

from __future__ import annotations

from collections.abc import Iterable

from registry_core.components import CheckFailed
from registry_core.diagnostics import PipelineError, Problem


def refuse(found: Iterable[CheckFailed], code: str) -> None:
    """Raise PipelineError with all problems, each with its keys in the file; return if there are none."""
    problems = [Problem(failed.message, failed.remedy, keys=failed.at, code=code) for failed in found]
    if problems:
        raise PipelineError(problems)
