"""The table of checks: every theme, and one call for all problems of a pipeline."""

from __future__ import annotations

from registry_core.checks import (  # noqa: F401  # importing a theme declares its checks
    augmentation,
    class_folders,
    classes,
    data,
    environment,
    first_weights,
    hooks,
    ignored,
    init_values,
    lengths,
    losses,
    metrics,
    model,
    optimizer,
    optimizer_values,
    outputs,
    overlap,
    own_warnings,
    patience,
    preparation,
    samples,
    schedules,
    shared_options,
    transforms,
)
from registry_core.checks.check import declared, found_by
from registry_core.checks.context import CheckContext
from registry_core.diagnostics import Problem

ERRORS = declared(warnings=False)
"""Every check whose problems are errors, in the order of execution."""

WARNINGS = declared(warnings=True)
"""Every check whose problems are warnings, in the order of execution."""


def errors_of(context: CheckContext) -> list[Problem]:
    """The errors of a pipeline."""
    return found_by(ERRORS, context)


def warnings_of(context: CheckContext) -> list[Problem]:
    """The warnings of a pipeline without errors."""
    return found_by(WARNINGS, context)
