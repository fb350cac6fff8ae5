"""Data and weights that this machine does not have, for a pipeline that will run on another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from registry_core.analysis.analysis import Analysis
from registry_core.config.loading.resolve import placed_components
from registry_core.config.models import Spec
from registry_core.diagnostics import Keys, MissingData, Problem

_READ = ("dataset", "transform", "model")
"""The kinds whose paths are files and folders that a run reads."""


def missing_here(errors: Iterable[Problem], spec: Spec, analysis: Analysis) -> Iterator[Problem]:
    """The errors of a pipeline; those about files and folders that are missing here become warnings."""
    missing = list(_missing(spec, analysis))
    for problem in errors:
        if any(problem.keys[: len(keys)] == keys for keys in missing):
            remedy = "The checks that read it were left out: validate on the other machine, too."
            yield problem._replace(remedy=remedy, code="not-checked", warning=True, fix=None)
        else:
            yield problem


def _missing(spec: Spec, analysis: Analysis) -> Iterator[Keys]:
    """The keys of the components and values that read what is missing."""
    for section, error in analysis.data_errors.items():
        if isinstance(error, MissingData):
            yield "data", section, "dataset"
    for keys, component in placed_components(spec):
        values = (getattr(component, name) for name in type(component).model_fields)
        if component.kind in _READ and any(_is_missing(value) for value in values):
            yield keys
    if spec.finetune is not None and _is_missing(spec.finetune.weights):
        yield "finetune", "weights"


def _is_missing(value: object) -> bool:
    try:
        return isinstance(value, Path) and not value.exists()
    except (OSError, ValueError):  # the path is invalid here and everywhere
        return False
