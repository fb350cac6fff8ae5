"""Alternatives to a component that does not fit: others of its kind and distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from registry_core.analysis.activations import activation_between
from registry_core.analysis.analysis import Analysis
from registry_core.catalog import installed
from registry_core.components import CheckFailed, Component, Loss, Metric
from registry_core.components.forms import TargetForm, taken
from registry_core.diagnostics import RegistryError
from registry_core.registry.registries import registry_of

_SHOWN = 3

C = TypeVar("C", bound=Component)


def such_as(component: Component, base: type[C], fits: Callable[[type[C]], int | None]) -> str:
    """The names of fitting alternatives as ``, such as 'a' or 'b'``; empty if there are none.

    ``fits`` returns a rank, the best first, or None. Only declarations of the component's own distribution are
    imported, because it is in use.
    """
    if component.record is None:
        return ""
    ranked: list[tuple[int, str]] = []
    for record in installed().of_kind(base.kind):
        if record.distribution != component.record.distribution:
            continue
        try:
            rank = fits(registry_of(base).declaration(record))
        except RegistryError:
            continue
        if rank is not None:
            ranked.append((rank, record.name))
    names = [repr(name) for _, name in sorted(ranked)[:_SHOWN]]
    return f", such as {' or '.join(names)}" if names else ""


def other_metrics(analysis: Analysis, metric: Metric, targets: TargetForm) -> str:
    """Metrics that accept the output of the model and targets of this form."""

    def fits(other: type[Metric]) -> int | None:
        forms, emits = other.target_forms, analysis.model.output_form
        given = (*analysis.spec.model.outputs, "input", "target")
        if not forms or not taken(targets, forms) or not set(other.inputs) <= set(given):
            return None
        if other.output_forms and emits not in ("any", *other.output_forms):
            return None
        return _rank(targets, forms)

    return such_as(metric, Metric, fits)


def other_losses(analysis: Analysis, loss: Loss, targets: TargetForm) -> str:
    """Losses that accept the output of the model, if need be after an activation, and targets of this form."""

    def fits(other: type[Loss]) -> int | None:
        forms = other.target_forms
        given = (*analysis.spec.model.outputs, "input", "target")
        if not forms or not taken(targets, forms) or not set(other.inputs) <= set(given):
            return None
        try:
            activation_between(analysis.model.output_form, other.output_form)
        except CheckFailed:
            return None
        return 2 * _rank(targets, forms) + (other.output_form != analysis.model.output_form)

    return such_as(loss, Loss, fits)


def _rank(targets: TargetForm, forms: tuple[TargetForm, ...]) -> int:
    return forms.index(targets) if targets in forms else len(forms)
