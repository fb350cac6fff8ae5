"""One optimizer step: forward, backward, clipping, the optimizer, and the averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.pipeline import Pipeline
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import Position
from registry_core.engine.clipping import clip_norm
from registry_core.engine.evaluate import autocast, with_outputs


@dataclass(frozen=True)
class MicroBatch:
    """One batch of an optimizer step, and its share of the step's loss."""

    loaded: LoadedBatch
    share: float

    @property
    def samples(self) -> int:
        """The number of its samples."""
        return len(self.loaded.request.indices)


class OptimizerStep:
    """Performs optimizer steps with the objects of a pipeline."""

    def __init__(
        self, pipeline: Pipeline, scaler: torch.amp.GradScaler, gradients_ready: Callable[[Position], None] | None
    ) -> None:
        self.pipeline = pipeline
        self.plan = pipeline.plan.step
        self.model = pipeline.plan.model.declared
        self.scaler = scaler
        self.gradients_ready = gradients_ready
        """Called with the position after the step, once its gradients are accumulated, unscaled and clipped."""
        self.names = f"A training step (model {self.model.name!r}, loss {pipeline.plan.spec.loss.name!r})"

    def __call__(self, batches: Sequence[MicroBatch], after: Position) -> torch.Tensor:
        """One step to the position ``after``; return its loss, which stays on the device."""
        optimizer = self.pipeline.optimizer
        with torch_code(self.names):
            if self.plan.needs_closure:
                # torch types its result as float
                closure: Any = partial(self._loss_and_gradients, batches, after)
                loss = torch.as_tensor(optimizer.step(closure))
            else:
                loss = self._loss_and_gradients(batches, after)
                self.scaler.step(optimizer) if self.scaler.is_enabled() else optimizer.step()
                self.scaler.update()
        if self.pipeline.averaged is not None:
            self.pipeline.averaged.update_parameters(self.pipeline.model)
        return loss.detach()

    def _loss_and_gradients(self, batches: Sequence[MicroBatch], after: Position) -> torch.Tensor:
        """The loss of all batches; its clipped gradients are in the parameters."""
        self.pipeline.optimizer.zero_grad()
        total: torch.Tensor | None = None
        executor = self.pipeline.loaders["train"].executor
        for each in batches:
            batch = executor.on_device(each.loaded.entries, each.loaded.request)
            with autocast(self.pipeline.device, self.plan):
                loss = self.pipeline.loss(with_outputs(self.model, self.pipeline.forward, batch))
            if each.share != 1.0:
                loss = loss * each.share
            self.scaler.scale(loss).backward()
            total = loss.detach() if total is None else total + loss.detach()
        self._clip()
        if self.gradients_ready is not None:
            if self.scaler.is_enabled() and self.plan.clip is None:
                self.scaler.unscale_(self.pipeline.optimizer)
            self.gradients_ready(after)
        assert total is not None
        return total

    def _clip(self) -> None:
        clip = self.plan.clip
        if clip is None:
            return
        self.scaler.unscale_(self.pipeline.optimizer)
        parameters = [*self.pipeline.model.parameters(), *self.pipeline.loss.parameters()]
        if clip.norm is not None:
            clip_norm(parameters, clip.norm)
        elif clip.value is not None:
            nn.utils.clip_grad_value_(parameters, clip.value)
