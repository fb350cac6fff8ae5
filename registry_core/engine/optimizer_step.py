"""One optimizer step: forward, backward, clipping, the optimizer, and the averaged weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn

from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.data.transforms import Batch
from registry_core.assembly.model.objective import BatchLoss
from registry_core.assembly.pipeline import Pipeline
from registry_core.assembly.torch_errors import torch_code
from registry_core.components import Position
from registry_core.engine.clipping import total_norm
from registry_core.engine.evaluate import autocast, with_outputs
from registry_core.engine.finite import FiniteGuard, NotFiniteStep, gradient_norm


@dataclass(frozen=True)
class MicroBatch:
    """One batch of an optimizer step, and its share of the step's loss."""

    loaded: LoadedBatch
    share: float

    @property
    def samples(self) -> int:
        """The number of its samples."""
        return len(self.loaded.request.indices)


class StepResult(NamedTuple):
    """The loss of an optimizer step, which stays on the device, and the subject that was not finite, if one was."""

    loss: BatchLoss
    refused: NotFiniteStep | None = None
    """If set, no weight was changed."""


class OptimizerStep:
    """Performs optimizer steps with the objects of a pipeline."""

    def __init__(
        self,
        pipeline: Pipeline,
        scaler: torch.amp.GradScaler,
        gradients_ready: Callable[[Position], None] | None,
        guard: FiniteGuard | None,
    ) -> None:
        """``guard`` refuses steps that are not finite; without it they are made."""
        self.pipeline = pipeline
        self.plan = pipeline.plan.step
        self.model = pipeline.plan.model.declared
        self.scaler = scaler
        self.gradients_ready = gradients_ready
        """Called with the position after the step, once its gradients are accumulated, unscaled and clipped."""
        self.guard = guard
        self.names = f"A training step (model {self.model.name!r}, loss {pipeline.plan.spec.loss.name!r})"
        self.restored = _buffers(pipeline) if guard is not None and guard.policy == "skip" else []
        """Buffers that a forward pass may change; a step that is skipped restores them."""
        self._loss: BatchLoss | None = None

    def __call__(self, batches: Sequence[MicroBatch], after: Position) -> StepResult:
        """One step to the position ``after``; a step that the guard refuses changes nothing."""
        optimizer = self.pipeline.optimizer
        before = [buffer.clone() for buffer in self.restored]
        self._loss = None
        try:
            with torch_code(self.names):
                if self.plan.needs_closure:
                    # torch types its result as float
                    closure: Any = partial(self._loss_and_gradients, batches, after)
                    optimizer.step(closure)
                else:
                    self._loss_and_gradients(batches, after)
                    self.scaler.step(optimizer) if self.scaler.is_enabled() else optimizer.step()
                    self.scaler.update()
        except NotFiniteStep as refused:
            assert self._loss is not None
            for buffer, value in zip(self.restored, before, strict=True):
                buffer.copy_(value)
            return StepResult(self._loss, refused)
        if self.pipeline.averaged is not None:
            self.pipeline.averaged.update_parameters(self.pipeline.model)
        assert self._loss is not None
        return StepResult(self._loss)

    def on_device(self, each: MicroBatch) -> Batch:
        """A batch of the step as the model receives it."""
        executor = self.pipeline.loaders["train"].executor
        return executor.on_device(each.loaded.entries, each.loaded.request)

    def loss_of(self, batch: Batch, samples: int, over: torch.Tensor | None = None) -> BatchLoss:
        """The loss of a batch; ``over`` are the divisors of the whole step."""
        with autocast(self.pipeline.device, self.plan):
            values = with_outputs(self.model, self.pipeline.forward, batch)
            found: BatchLoss = self.pipeline.loss(values, samples=samples, over=over)
        return found

    def _loss_and_gradients(self, batches: Sequence[MicroBatch], after: Position) -> torch.Tensor:
        """The loss of all batches; its clipped gradients are in the parameters.

        The guard reads only the first evaluation of a step: a search along a line may well find infinite losses.
        """
        first = self._loss is None
        self.pipeline.optimizer.zero_grad()
        found = self._counting_targets(batches) if self.pipeline.loss.counts_targets else self._in_shares(batches)
        if first:
            self._loss = found
            if self.guard is not None:
                self.guard.check_loss()
        self._clip(self.guard if first else None)
        if self.gradients_ready is not None:
            if self.scaler.is_enabled() and self.plan.clip is None:
                self.scaler.unscale_(self.pipeline.optimizer)
            self.gradients_ready(after)
        return found.mean

    def _in_shares(self, batches: Sequence[MicroBatch]) -> BatchLoss:
        """The mean over samples: each batch has the share of its samples."""
        total: torch.Tensor | None = None
        for each in batches:
            loss = self.loss_of(self.on_device(each), each.samples).mean
            if each.share != 1.0:
                loss = loss * each.share
            total = loss.detach() if total is None else total + loss.detach()
            self._backward(loss, total if each is batches[-1] else None)
        assert total is not None
        return BatchLoss(total)

    def _counting_targets(self, batches: Sequence[MicroBatch]) -> BatchLoss:
        """The mean over the targets that count in all batches; their number is known before the first backward pass."""
        objective = self.pipeline.loss
        moved = [self.on_device(each) for each in batches]
        counts = [objective.divisors(batch, each.samples) for batch, each in zip(moved, batches, strict=True)]
        over = torch.stack(counts).sum(0)
        sums: torch.Tensor | None = None
        for each, batch in zip(batches, moved, strict=True):
            loss = self.loss_of(batch, each.samples, over)
            assert loss.sums is not None
            sums = loss.sums if sums is None else sums + loss.sums
            self._backward(loss.mean, objective.mean_of(sums, over) if each is batches[-1] else None)
        assert sums is not None
        return BatchLoss(objective.mean_of(sums, over), sums, over)

    def _backward(self, loss: torch.Tensor, total: torch.Tensor | None) -> None:
        """The backward pass of a batch; ``total`` is the loss of the step, known at its last batch."""
        if total is not None and self.guard is not None:
            self.guard.note_loss(total)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def _clip(self, guard: FiniteGuard | None) -> None:
        clip = self.plan.clip
        guard = None if self.scaler.is_enabled() else guard  # the scaler itself skips a step that overflows
        if clip is None and (guard is None or not guard.reads_gradients):
            return
        self.scaler.unscale_(self.pipeline.optimizer)
        parameters = [*self.pipeline.model.parameters(), *self.pipeline.loss.parameters()]
        if clip is not None and clip.norm is not None:
            norm = total_norm(parameters)
        else:
            norm = torch.zeros(()) if guard is None else gradient_norm(parameters)
        if guard is not None:
            guard.check_gradients(norm)
        if clip is not None and clip.norm is not None:
            nn.utils.clip_grads_with_norm_(parameters, clip.norm, norm)
        if clip is not None and clip.value is not None:
            nn.utils.clip_grad_value_(parameters, clip.value)


def _buffers(pipeline: Pipeline) -> list[torch.Tensor]:
    return [*pipeline.model.buffers(), *pipeline.loss.buffers()]
