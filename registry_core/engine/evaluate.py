"""Evaluate a model on one section of the data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.optim.swa_utils import AveragedModel

from registry_core.assembly.data.executor import Executor, LoadedBatch
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.transforms import Batch
from registry_core.assembly.device import PRECISIONS
from registry_core.assembly.model.inputs import inputs_of
from registry_core.assembly.model.objective import BatchLoss, Objective, named_outputs
from registry_core.assembly.pipeline import NamedMetric
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import Model
from registry_core.diagnostics import DataError, RegistryError, RunError
from registry_core.engine.calls import Calls, watched_metrics
from registry_core.engine.causes import cause_of_loss, error_of
from registry_core.engine.explaining import explained
from registry_core.engine.metric_value import one_number
from registry_core.engine.running_loss import RunningLoss
from registry_core.planning.plan import Plan
from registry_core.planning.step import StepPlan


def autocast(device: torch.device, step: StepPlan) -> AbstractContextManager[Any]:
    """The autocast context of the plan; none for fp32 or on the meta device."""
    if step.precision == "fp32" or device.type == "meta":  # torch has no autocast there
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[step.precision])


def with_outputs(model: Model, network: Callable[..., Any], batch: Batch) -> dict[str, Any]:
    """The entries of a batch and the outputs of the network for it, by name; DataError if they share a name."""
    if not batch.keys().isdisjoint(model.outputs):
        shared = next(name for name in model.outputs if name in batch)
        message = f"{shared!r} is both an output of the model {model.name!r} and an entry of the samples"
        message += ", so losses and metrics cannot tell them apart."
        raise DataError(message, "Rename the entry, or the output.").at("model", code="shared-name")
    return {**batch, **named_outputs(model.outputs, network(*inputs_of("model", model.name, model.inputs, batch)))}


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
        self.plan = plan
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
        zero = torch.zeros((), dtype=torch.float64 if self.device.type != "mps" else torch.float32, device=self.device)
        running = RunningLoss(self.objective, sums_samples=self.step.sums_samples, total=zero)
        for measured in self.metrics:
            measured.metric.reset()
        for loaded in loader.batches(epoch=0):
            if not loaded.request.indices:  # all its samples are faulty, and left out
                continue
            try:
                with torch_code("The evaluation"):
                    running.add(self.measure(network, loader.executor, loaded), len(loaded.request.indices))
            except RunError as error:
                raise self._explained(error, network, loader.executor, loaded) from error
        values = {"loss": running.mean()}
        for place, measured in enumerate(self.metrics):
            try:
                with torch_code(f"The metric {measured.log_name!r}"):
                    values[measured.log_name] = one_number(measured.metric.compute(), measured.log_name, place)
            except RunError as error:
                raise self._explained(error, network, loader.executor) from error
        return values

    def _explained(
        self, error: RunError, network: Any, executor: Executor, loaded: LoadedBatch | None = None
    ) -> RegistryError:
        """The error of a batch or, without any, of a metric at the end, with the call that failed."""
        eager = getattr(network, "_orig_mod", network)  # the parts of a compiled model cannot be observed
        averaged = isinstance(eager, AveragedModel)
        calls = Calls(self.plan, [eager.module if averaged else eager], self.objective, None)
        metrics = watched_metrics(self.metrics, self.plan, calls)

        def repeat() -> None:
            if loaded is not None:
                again = Evaluation(self.plan, self.objective, metrics, self.device)
                again.measure(eager, executor.watched(calls), loaded)
            for measured in metrics:
                measured.metric.compute()

        return explained(self.plan, executor, error, calls, () if loaded is None else (loaded,), repeat)

    def values(self, network: Callable[..., Any], executor: Executor, loaded: LoadedBatch) -> dict[str, Any]:
        """The entries of a batch and the outputs for it, one row a sample."""
        batch = executor.on_device(loaded.entries, loaded.request)
        with autocast(self.device, self.step):
            return averaged(with_outputs(self.model, network, batch), self.model.outputs, executor.views)

    @torch.no_grad()
    def not_finite(self, network: Callable[..., Any], loader: Loader) -> RunError:
        """The error of a loss that is not finite, with the cause in the first batch that has one."""
        subject = f"The loss of data.{loader.executor.section} is not finite"
        reader, outputs = loader.executor.reader, self.model.outputs
        for loaded in loader.batches(epoch=0):
            if not loaded.request.indices:
                continue
            values = self.values(network, loader.executor, loaded)
            cause = cause_of_loss(self.objective, values, outputs, reader.section)
            if cause is not None:
                return error_of(subject, cause, reader, loaded)
        if self.objective.counts_targets:
            remedy = "Set other class weights or another ignore_index, or evaluate on other data."
            return RunError(f"{subject}: no target counts.", remedy).at("loss", code="not-finite")
        message = f"{subject}, although that of each batch is."
        return RunError(message, "Evaluate in fp32.").at("loss", code="not-finite")

    def measure(self, network: Callable[..., Any], executor: Executor, loaded: LoadedBatch) -> BatchLoss:
        """Update the metrics with a batch; return its loss."""
        values = self.values(network, executor, loaded)
        with autocast(self.device, self.step):
            loss: BatchLoss = self.objective(values, samples=len(loaded.request.indices))
        for measured in self.metrics:
            measured.metric.update(*inputs_of("metric", measured.log_name, measured.inputs, values))
        if self.tell is not None:
            self.tell(values=values)
        return loss
