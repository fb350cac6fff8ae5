"""Refuse a pipeline whose rules cannot work, once the model is built."""

from __future__ import annotations

from collections.abc import Iterable

from registry_core.components import CheckFailed
from registry_core.diagnostics import PipelineError, Problem


def refuse(found: Iterable[CheckFailed], code: str) -> None:
    """Raise PipelineError with all that was found, each with its keys in the file; return if it is nothing."""
    problems = [Problem(failed.message, failed.remedy, keys=failed.at, code=code) for failed in found]
    if problems:
        raise PipelineError(problems)
