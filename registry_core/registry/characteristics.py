"""What a declaration says of its kind in general, in words: what it takes and gives, what it counts, where it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from registry_core.components.base import Component
from registry_core.components.forms import words
from registry_core.components.hook import Hook
from registry_core.components.init import Init
from registry_core.components.layer import Layer
from registry_core.components.loss import Loss
from registry_core.components.metric import Metric
from registry_core.components.model import Model
from registry_core.components.optimizer import Optimizer
from registry_core.components.sampler import Sampler
from registry_core.components.scheduler import Scheduler
from registry_core.components.transform import Transform

Characteristic = tuple[str, str]
"""What it is about, and what is so: ``("takes", "output (logits), target (class numbers)")``."""


def characteristics(declaration: type[Component]) -> tuple[Characteristic, ...]:
    """What is known of every component of this declaration, whatever its parameters are."""
    for base, describe in _OF_KIND.items():
        if issubclass(declaration, base):
            return tuple(describe(declaration))
    return ()


def _of_transform(transform: Any) -> Iterator[Characteristic]:
    where = ", on the device" if transform.on_device else ""
    yield "works on", f"whole batches{where}" if transform.unit == "batch" else "single samples"
    numbers = {
        "none": "none",
        "counter": "by counter: the same for a sample in any batch and any process",
        "generators": f"from the generators of torch, NumPy and Python, seeded for each {transform.unit}",
    }
    yield "random numbers", numbers[transform.random]
    if transform.image_only:
        yield "takes", "the image alone, as it comes to it"
    if transform.added_entries:
        yield "adds", ", ".join(transform.added_entries)
    if transform.num_views != 1:
        yield "gives", f"{transform.num_views} samples of one"


def _of_loss(loss: Any) -> Iterator[Characteristic]:
    yield "takes", ", ".join(_taken(loss.inputs, (loss.output_form,), loss.target_forms))
    if loss.has_parameters:
        yield "trains", "weights of its own"


def _of_metric(metric: Any) -> Iterator[Characteristic]:
    yield "takes", ", ".join(_taken(metric.inputs, metric.output_forms, metric.target_forms))
    yield "better", metric.better


def _taken(takes: tuple[str, ...], outputs: tuple[Any, ...], targets: tuple[Any, ...]) -> Iterator[str]:
    for place, name in enumerate(takes):
        forms = outputs if place == 0 else targets if name == "target" else ()
        known = " or ".join(words(form) for form in forms if form != "any")
        yield f"{name} ({known})" if known else name


def _of_model(model: Any) -> Iterator[Characteristic]:
    yield "takes", ", ".join(model.inputs)
    form = "" if model.output_form == "any" else f" ({words(model.output_form)})"
    yield "gives", f"{', '.join(model.outputs)}{form}"


def _of_layer(layer: Any) -> Iterator[Characteristic]:
    if layer.output_form != "any":
        yield "gives", words(layer.output_form)


def _of_optimizer(optimizer: Any) -> Iterator[Characteristic]:
    yield "a step", "evaluates the loss several times" if optimizer.needs_closure else "evaluates the loss once"
    if not optimizer.supports_groups:
        yield "groups", "none: it treats all parameters alike"


def _of_scheduler(scheduler: Any) -> Iterator[Characteristic]:
    yield "counts", f"{scheduler.counts}s, unless `by` says otherwise"
    if scheduler.stands_alone:
        yield "stands alone", scheduler.stands_alone


def _of_init(init: Any) -> Iterator[Characteristic]:
    least, most = init.dimensions
    if (least, most) != (0, None):
        yield "fills", f"parameters of {least} dimensions" if least == most else f"those of at least {least} dimensions"


def _of_sampler(sampler: Any) -> Iterator[Characteristic]:
    if sampler.needs_targets:
        yield "needs", "the class of every sample"


def _of_hook(hook: Any) -> Iterator[Characteristic]:
    yield "runs in", "every process of a run" if hook.processes == "all" else "the first process of a run"


_OF_KIND: dict[type[Component], Callable[[Any], Iterator[Characteristic]]] = {
    Transform: _of_transform,
    Loss: _of_loss,
    Metric: _of_metric,
    Model: _of_model,
    Layer: _of_layer,
    Optimizer: _of_optimizer,
    Scheduler: _of_scheduler,
    Init: _of_init,
    Sampler: _of_sampler,
    Hook: _of_hook,
}
