"""Measure a model on one section of the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.samples import Batch
from registry_core.assembly.device import PRECISIONS
from registry_core.assembly.model.objective import Objective, named_outputs
from registry_core.assembly.pipeline import NamedMetric
from registry_core.components import Model
from registry_core.config.models import Spec, Train
from registry_core.diagnostics import RegistryError, RunError


def autocast(device: torch.device, train: Train) -> AbstractContextManager[Any]:
    """The precision that the pipeline asks for; nothing at all for fp32, and on the meta device."""
    if train.precision == "fp32" or device.type == "meta":  # torch has no autocast there
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[train.precision])


@contextmanager
def failures_named(what: str) -> Iterator[None]:
    """Turn whatever models, losses, metrics and optimizers raise into a RunError that says where it was."""
    try:
        yield
    except RegistryError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        advice = " Set train.deterministic to false to allow it." if "deterministic" in str(error) else ""
        raise RunError(f"{what} failed: {type(error).__name__}: {error}{advice}") from error


def to_device(batch: Batch, device: torch.device, channels_last: bool) -> Batch:
    """The batch on the device; copies from pinned memory do not wait."""
    moved: Batch = {}
    for name, value in batch.items():
        if isinstance(value, torch.Tensor):
            layout = torch.channels_last if channels_last and value.ndim == 4 else torch.preserve_format
            value = value.to(device, non_blocking=True, memory_format=layout)
        moved[name] = value
    return moved


def call(function: Callable[..., Any], takes: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """Call a model or metric with the entries that it takes."""
    return function(*[values[name] for name in takes])


def with_outputs(model: Model, network: Callable[..., Any], batch: Batch) -> dict[str, Any]:
    """The entries of a batch and what the network gives for it, by name."""
    return {**batch, **named_outputs(model.outputs, call(network, model.inputs, batch))}


def averaged(values: dict[str, Any], gives: tuple[str, ...], views: int) -> dict[str, Any]:
    """Entries of a batch with several views of each sample: outputs as means over the views, the rest of the first."""
    if views == 1:
        return values
    rows = max(len(value) for name, value in values.items() if name not in gives)
    found = {name: value[::views] for name, value in values.items() if name not in gives}
    for name in gives:
        if len(values[name]) != rows:
            message = f"The output {name!r} has {len(values[name])} rows for {rows} images: it cannot be averaged"
            raise RunError(f"{message} over the {views} views of a sample. Use center_crop for evaluations.")
        found[name] = values[name].unflatten(0, (-1, views)).mean(1)
    return found


class Evaluation:
    """Measures a loss and metrics over all batches of a loader, reading the device once at the end."""

    def __init__(
        self,
        spec: Spec,
        loss: Objective,
        metrics: list[NamedMetric],
        device: torch.device,
        tell: Callable[..., None] | None = None,
    ) -> None:
        self.model = spec.model
        self.loss = spec.loss
        self.train = spec.train
        self.objective = loss
        self.metrics = metrics
        self.device = device
        self.tell = tell
        """Called with the ``values`` of every batch, if anyone listens."""

    @torch.no_grad()
    def __call__(self, network: Callable[..., Any], loader: Loader) -> dict[str, float]:
        """The mean loss a sample as ``loss``, and every metric under its label."""
        total = torch.zeros((), dtype=torch.float64 if self.device.type != "mps" else torch.float32, device=self.device)
        for measured in self.metrics:
            measured.metric.reset()
        for number, found in enumerate(loader.batches(epoch=0)):
            with failures_named("The evaluation"):
                weight = 1 if self.loss.is_sum else loader.samples_in(number)
                total.add_(self.measure(network, loader, found, number).to(total.dtype), alpha=weight)
        values = {"loss": total.item() / loader.samples}
        for measured in self.metrics:
            with failures_named(f"The metric {measured.log_name!r}"):
                values[measured.log_name] = float(measured.metric.compute())
        return values

    def measure(self, network: Callable[..., Any], loader: Loader, batch: Batch, number: int) -> torch.Tensor:
        """Update the metrics with a batch, the loader's of this number; returns its loss."""
        batch = to_device(batch, self.device, self.train.channels_last)
        batch = loader.device_transforms(batch, 0, number)
        with autocast(self.device, self.train):
            values = averaged(with_outputs(self.model, network, batch), self.model.outputs, loader.views)
            loss: torch.Tensor = self.objective(values)
        for measured in self.metrics:
            call(measured.metric.update, measured.inputs, values)
        if self.tell is not None:
            self.tell(values=values)
        return loss
