"""The view of a run for hooks, which changes neither the model nor the random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from registry_core.assembly.data.executor import Placement, Request, to_device
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.pipeline import Pipeline
from registry_core.engine.checkpoint.state import random_state, restore_random_state
from registry_core.engine.evaluate import autocast, with_outputs

_CPU = torch.device("cpu")


@contextmanager
def generators_kept(device: torch.device) -> Iterator[None]:
    """Restore the global random generators at the end."""
    saved = random_state(device)
    try:
        yield
    finally:
        restore_random_state(saved)


@contextmanager
def buffers_kept(*modules: nn.Module) -> Iterator[None]:
    """Restore the buffers of modules at the end, which forward passes change."""
    saved = [(buffer, buffer.clone()) for module in modules for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in saved:
                buffer.copy_(value)


class SectionSamples:
    """The samples of one section; see ``registry_core.components.Samples``."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def __len__(self) -> int:
        return len(self.loader.executor.reader)

    def sample(self, index: int, epoch: int) -> Mapping[str, Any]:
        """One sample after the transforms; the first view if there are several."""
        with generators_kept(_CPU):
            return self.loader.sample(index, epoch)

    def batch(self, indices: Sequence[int], epoch: int) -> Mapping[str, Any]:
        """Several samples as one batch on the device, as the first batch of the epoch is."""
        request, executor = Request(epoch, 0, tuple(indices)), self.loader.executor
        with generators_kept(executor.placement.device):
            return executor.on_device(self.loader.load(request).entries, request)


class ModelView:
    """Read access to the model of a run; see ``registry_core.components.View``."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.declared = pipeline.plan.model.declared
        self.step = pipeline.plan.step
        self.placement = Placement(pipeline.device, pipeline.plan.step.channels_last)
        self.device = pipeline.device
        self.trained = pipeline.model
        self.model = pipeline.model if pipeline.averaged is None else pipeline.averaged.module

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Restore modes of modules and random generators at the end."""
        modes = [(module, module.training) for root in (self.trained, self.model) for module in root.modules()]
        with generators_kept(self.device):
            try:
                yield
            finally:
                for module, training in modes:
                    module.training = training

    def inputs(self, batch: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments of the model, on its device."""
        moved = to_device(dict(batch), self.placement)
        return tuple(moved[name] for name in self.declared.inputs)

    def predict(self, batch: Mapping[str, Any], layers: Sequence[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
        """The outputs of the model and of some of its layers for a batch, in evaluation mode."""
        modules = dict(self.model.named_modules())
        given: dict[str, Any] = {}
        with ExitStack() as stack:
            stack.enter_context(self.undisturbed())
            for name in layers:
                handle = modules[name].register_forward_hook(partial(_keep, given, name))
                stack.callback(handle.remove)
            stack.enter_context(torch.no_grad())
            stack.enter_context(autocast(self.device, self.step))
            self.model.eval()
            moved = to_device(dict(batch), self.placement)
            values = with_outputs(self.declared, self.model, moved)
        for name in layers:
            if name not in given:
                raise RuntimeError(f"the model did not use its layer {name!r}")
        return {name: values[name] for name in self.declared.outputs}, given


def _keep(given: dict[str, Any], name: str, module: Any, inputs: Any, output: Any) -> None:
    given[name] = output
