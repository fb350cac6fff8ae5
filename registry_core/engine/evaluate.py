"""Evaluate a model on one section of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from registry_core.assembly.data.executor import Executor, LoadedBatch
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.transforms import Batch
from registry_core.assembly.device import PRECISIONS
from registry_core.assembly.model.objective import Objective, named_outputs
from registry_core.assembly.pipeline import NamedMetric
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import Model
from registry_core.diagnostics import DataError, RunError
from registry_core.planning.plan import Plan
from registry_core.planning.step import StepPlan


def autocast(device: torch.device, step: StepPlan) -> AbstractContextManager[Any]:
    """The autocast context of the plan; none for fp32 or on the meta device."""
    if step.precision == "fp32" or device.type == "meta":  # torch has no autocast there
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[step.precision])


def call(function: Callable[..., Any], inputs: tuple[str, ...], values: Mapping[str, Any]) -> Any:
    """Call a model or metric with its inputs."""
    return function(*[values[name] for name in inputs])


def with_outputs(model: Model, network: Callable[..., Any], batch: Batch) -> dict[str, Any]:
    """The entries of a batch and the outputs of the network for it, by name; DataError if they share a name."""
    if not batch.keys().isdisjoint(model.outputs):
        shared = next(name for name in model.outputs if name in batch)
        message = f"{shared!r} is both an output of the model {model.name!r} and an entry of the samples"
        message += ", so losses and metrics cannot tell them apart."
        raise DataError(message, "Rename the entry, or the output.").at("model", code="shared-name")
    return {**batch, **named_outputs(model.outputs, call(network, model.inputs, batch))}


def averaged(values: dict[str, Any], outputs: tuple[str, ...], views: int) -> dict[str, Any]:
    """The entries of a batch with several views per sample: outputs are averaged, the others are the first view's."""
    if views == 1:
        return values
    rows = max(len(value) for name, value in values.items() if name not in outputs)
    found = {name: value[::views] for name, value in values.items() if name not in outputs}
    for name in outputs:
        if len(values[name]) != rows:
            message = f"The output {name!r} has {len(values[name])} rows for {rows} images"
            message += f", so it cannot be averaged over the {views} views of a sample."
            raise RunError(message, "Use center_crop for evaluations.")
        found[name] = values[name].unflatten(0, (-1, views)).mean(1)
    return found


class Evaluation:
    """Measures a loss and metrics over all batches of a loader; values are read from the device once, at the end."""

    def __init__(
        self,
        plan: Plan,
        loss: Objective,
        metrics: list[NamedMetric],
        device: torch.device,
        tell: Callable[..., None] | None = None,
    ) -> None:
        self.model = plan.model.declared
        self.step = plan.step
        self.objective = loss
        self.metrics = metrics
        self.device = device
        self.tell = tell
        """Called with the ``values`` of every batch, if it is set."""

    @torch.no_grad()
    def __call__(self, network: Callable[..., Any], loader: Loader) -> dict[str, float]:
        """The mean loss per sample as ``loss``, and every metric by its name in the logs."""
        total = torch.zeros((), dtype=torch.float64 if self.device.type != "mps" else torch.float32, device=self.device)
        for measured in self.metrics:
            measured.metric.reset()
        for loaded in loader.batches(epoch=0):
            with torch_code("The evaluation"):
                weight = 1 if self.step.sums_samples else len(loaded.request.indices)
                total.add_(self.measure(network, loader.executor, loaded).to(total.dtype), alpha=weight)
        values = {"loss": total.item() / loader.samples}
        for measured in self.metrics:
            with torch_code(f"The metric {measured.log_name!r}"):
                values[measured.log_name] = float(measured.metric.compute())
        return values

    def measure(self, network: Callable[..., Any], executor: Executor, loaded: LoadedBatch) -> torch.Tensor:
        """Update the metrics with a batch; return its loss."""
        batch = executor.on_device(loaded.entries, loaded.request)
        with autocast(self.device, self.step):
            values = averaged(with_outputs(self.model, network, batch), self.model.outputs, executor.views)
            loss: torch.Tensor = self.objective(values)
        for measured in self.metrics:
            call(measured.metric.update, measured.inputs, values)
        if self.tell is not None:
            self.tell(values=values)
        return loss
