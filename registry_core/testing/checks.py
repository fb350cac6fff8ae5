"""Checks: functions of the component under test that raise an error if it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from registry_core.catalog import KINDS
from registry_core.testing.subject import Subject

Function = Callable[[Subject], None]

_EVERY_KIND = "registry_core.testing.every_kind"
_CHECKS: dict[str, list[tuple[Function, Callable[[Subject], bool] | None]]] = {}
"""The checks of each module, in their order, with the condition that selects components."""


def check(*, where: Callable[[Subject], bool] | None = None) -> Callable[[Function], Function]:
    """Declare a check of the kinds whose row names its module; ``where`` selects among their components."""

    def mark(function: Function) -> Function:
        _CHECKS.setdefault(function.__module__, []).append((function, where))
        return function

    return mark


@dataclass(frozen=True)
class Check:
    """One check of one component; a call raises AssertionError if it fails, or NotApplicable."""

    subject: Subject
    name: str
    function: Function

    @property
    def identity(self) -> str:
        """Component and check: ``loss/focal: is_differentiable``."""
        return f"{self.subject.record.full_name}: {self.name}"

    def __call__(self) -> None:
        """Run the check."""
        self.function(self.subject)


def checks_of(subject: Subject) -> Sequence[Check]:
    """All checks of a component: those of every kind and those of its own kind."""
    modules = (_EVERY_KIND, *KINDS[subject.record.kind].checks)
    for module in modules:
        import_module(module)
    return [
        Check(subject, function.__name__, function)
        for module in modules
        for function, where in _CHECKS[module]
        if where is None or where(subject)
    ]
