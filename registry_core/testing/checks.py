"""Checks, each a function of the component under test; what it raises is what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from registry_core.catalog import KINDS
from registry_core.testing.subject import Subject

Function = Callable[[Subject], None]

_MODULES = ("every_kind", "of_losses", "of_transforms", "of_optimizers", "of_networks", "of_data", "of_others")
_CHECKS: list[tuple[str, tuple[str, ...], Function, Callable[[Subject], bool] | None]] = []


def check(*kinds: str, where: Callable[[Subject], bool] | None = None) -> Callable[[Function], Function]:
    """Marks a function as a check of components of these kinds (every kind, if none is named), as far as ``where``."""

    def mark(function: Function) -> Function:
        _CHECKS.append((function.__name__, kinds or tuple(KINDS), function, where))
        return function

    return mark


@dataclass(frozen=True)
class Check:
    """One check of one component; calling it raises what is wrong, or NotApplicable."""

    subject: Subject
    name: str
    function: Function

    @property
    def identity(self) -> str:
        """Component and check: ``loss/focal: is_differentiable``."""
        return f"{self.subject.record.full_name}: {self.name}"

    def __call__(self) -> None:
        """Make the check."""
        self.function(self.subject)


def checks_of(subject: Subject) -> Sequence[Check]:
    """All checks of a component: those of every kind, and those of its own."""
    for module in _MODULES:
        import_module(f"registry_core.testing.{module}")
    kind = subject.record.kind
    return [
        Check(subject, name, function)
        for name, kinds, function, where in _CHECKS
        if kind in kinds and (where is None or where(subject))
    ]
