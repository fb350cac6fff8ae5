"""Describe the class-level facts of a declaration in words: inputs and outputs, units, processes."""

from __future__ import annotations

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import Any

from registry_core.catalog import KINDS
from registry_core.components.base import Component
from registry_core.components.forms import words

Characteristic = tuple[str, str]
"""A label and a text: ``("inputs", "output (logits), target (class indices)")``."""


def characteristics(declaration: type[Component]) -> tuple[Characteristic, ...]:
    """The characteristics of all components of a declaration, whatever their parameters."""
    kind = KINDS.get(declaration.kind)
    return tuple(resolve_name(kind.characteristics)(declaration)) if kind and kind.characteristics else ()


def of_transform(transform: Any) -> Iterator[Characteristic]:
    """The unit and place of a transform, its random numbers, and its changes of a sample."""
    where = ", on the device" if transform.on_device else ""
    yield "works on", f"whole batches{where}" if transform.unit == "batch" else "single samples"
    numbers = {
        "none": "none",
        "counter": "by counter: the same for a sample in any batch and any process",
        "generators": f"from the generators of torch, NumPy and Python, seeded for each {transform.unit}",
    }
    yield "random numbers", numbers[transform.random]
    if transform.image_only:
        yield "inputs", "the image alone, in the form in which it arrives"
    if transform.added_entries:
        yield "adds", ", ".join(transform.added_entries)
    if transform.num_views != 1:
        yield "outputs", f"{transform.num_views} samples for each sample"


def of_loss(loss: Any) -> Iterator[Characteristic]:
    """The values that a loss is computed from, and whether it has trainable weights."""
    yield "inputs", ", ".join(_taken(loss.inputs, (loss.output_form,), loss.target_forms))
    if loss.has_parameters:
        yield "trains", "its own weights"


def of_metric(metric: Any) -> Iterator[Characteristic]:
    """The values that a metric is updated with, and which direction is better."""
    yield "inputs", ", ".join(_taken(metric.inputs, metric.output_forms, metric.target_forms))
    yield "better", metric.better


def _taken(takes: tuple[str, ...], outputs: tuple[Any, ...], targets: tuple[Any, ...]) -> Iterator[str]:
    for place, name in enumerate(takes):
        forms = outputs if place == 0 else targets if name == "target" else ()
        known = " or ".join(words(form) for form in forms if form != "any")
        yield f"{name} ({known})" if known else name


def of_model(model: Any) -> Iterator[Characteristic]:
    """The entries that a model is called with, and its outputs."""
    yield "inputs", ", ".join(model.inputs)
    form = "" if model.output_form == "any" else f" ({words(model.output_form)})"
    yield "outputs", f"{', '.join(model.outputs)}{form}"


def of_layer(layer: Any) -> Iterator[Characteristic]:
    """The form of a layer's output."""
    if layer.output_form != "any":
        yield "outputs", words(layer.output_form)


def of_optimizer(optimizer: Any) -> Iterator[Characteristic]:
    """Evaluations of the loss in each step of an optimizer, and its support of groups."""
    yield "each step", "evaluates the loss several times" if optimizer.needs_closure else "evaluates the loss once"
    if not optimizer.supports_groups:
        yield "groups", "none: it treats all parameters alike"


def of_scheduler(scheduler: Any) -> Iterator[Characteristic]:
    """The unit that a scheduler counts."""
    yield "counts", f"{scheduler.counts}s, unless `by` says otherwise"
    if scheduler.stands_alone:
        yield "not nested", scheduler.stands_alone


def of_init(init: Any) -> Iterator[Characteristic]:
    """The parameters that an init scheme fills."""
    least, most = init.dimensions
    if (least, most) != (0, None):
        yield "fills", f"parameters of {least} dimensions" if least == most else f"those of at least {least} dimensions"


def of_sampler(sampler: Any) -> Iterator[Characteristic]:
    """Facts of the data that a sampler needs besides the number of samples."""
    if sampler.needs_targets:
        yield "needs", "the class of every sample"


def of_hook(hook: Any) -> Iterator[Characteristic]:
    """The processes that a hook runs in."""
    yield "runs in", "every process of a run" if hook.processes == "all" else "the first process of a run"
