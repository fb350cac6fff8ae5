"""Optimizer steps that are refused because their loss or gradients are not finite, and weights that are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from registry_core.analysis.patterns import some_of
from registry_core.assembly.finite import not_finite
from registry_core.assembly.optim.parameters import named_parameters
from registry_core.assembly.pipeline import Pipeline
from registry_core.components import Position
from registry_core.diagnostics import RunError
from registry_core.diagnostics.printable import warn
from registry_core.engine.causes import (
    DIVERGED,
    OVERFLOW,
    Cause,
    cause_in_entries,
    cause_in_gradients,
    cause_in_weights,
    cause_of_loss,
    error_of,
)
from registry_core.engine.evaluate import autocast, with_outputs
from registry_core.engine.optimizer_step import MicroBatch, OptimizerStep, StepResult
from registry_core.engine.view import buffers_kept, generators_kept

_TOLD = 3
"""At most this many skipped steps are explained."""


class Refusals:
    """Ends the run at a refused step, or counts it and lets the run go on, as ``train.non_finite`` says."""

    def __init__(self, optimize: OptimizerStep, pipeline: Pipeline) -> None:
        self.optimize = optimize
        self.pipeline = pipeline
        self.policy = pipeline.plan.step.non_finite
        self.skipped = 0
        """Steps that were skipped since the start of the run."""
        self.uncounted = 0
        """Steps in which no target counted."""
        self._at_start = frozenset(not_finite(_weights(pipeline)))
        """Tensors that are not finite by design, such as masks with -inf."""

    def handle(self, found: StepResult, batches: Sequence[MicroBatch], after: Position) -> None:
        """Raise RunError with the cause, or tell of it and count the step."""
        assert found.refused is not None
        if found.loss.divisors is not None and not bool((found.loss.divisors > 0).any()):
            self.uncounted += 1
            if self.uncounted == 1:
                self._tell_uncounted(batches, after)
            return
        self.skipped += 1
        if self.policy == "skip" and self.skipped > _TOLD:
            return
        error = self._explained(found, batches, after)
        if self.policy == "stop":
            raise error
        more = " More steps are skipped without a word." if self.skipped == _TOLD else ""
        warn(f"warning: {error} The step is skipped.{more}")

    def require_finite_weights(self, step: int) -> None:
        """Raise RunError if a tensor became infinite or NaN."""
        if wrong := [name for name in not_finite(_weights(self.pipeline)) if name not in self._at_start]:
            message = f"After step {step}, weights are not finite: {some_of(wrong)}."
            raise RunError(f"{message} They are not saved.", DIVERGED).at("train", code="not-finite")

    def error_of_earlier(self, step: int) -> RunError:
        """The error of gradients that were read after their step."""
        message = f"The norm of the gradients was not finite in step {step} or before it."
        return RunError(message, DIVERGED).at("train", code="not-finite")

    def state_dict(self) -> dict[str, Any]:
        """The counts."""
        return {"skipped_steps": self.skipped, "uncounted_steps": self.uncounted}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the counts."""
        self.skipped, self.uncounted = state.get("skipped_steps", 0), state.get("uncounted_steps", 0)

    def _tell_uncounted(self, batches: Sequence[MicroBatch], after: Position) -> None:
        cause = Cause(
            "No target of the batch counts: their weights are 0, or all are ignored.",
            "The step changes nothing, and neither do later ones like it.",
        )
        error = error_of(f"Step {after.step} has no loss", cause, self._reader, batches[0].loaded, self._views)
        warn(f"warning: {error}")

    def _explained(self, found: StepResult, batches: Sequence[MicroBatch], after: Position) -> RunError:
        assert found.refused is not None
        if found.refused.subject == "gradients":
            return self._gradients(found, batches, after)
        subject = f"The loss of step {after.step} is {float(found.loss.mean):g}"
        device = self.pipeline.device
        with torch.no_grad(), generators_kept(device), buffers_kept(self.pipeline.model, self.pipeline.loss):
            cause, each = self._cause(batches)
        return error_of(subject, cause, self._reader, each.loaded, self._views)

    def _gradients(self, found: StepResult, batches: Sequence[MicroBatch], after: Position) -> RunError:
        cause = cause_in_gradients(_parameters(self.pipeline), float(found.loss.mean))
        subject = f"The gradients of step {after.step} are not finite"
        return error_of(subject, cause, self._reader, batches[0].loaded, self._views)

    def _cause(self, batches: Sequence[MicroBatch]) -> tuple[Cause, MicroBatch]:
        """The cause, and the batch that has it: wrong entries first, then wrong weights, which may follow from them."""
        for each in batches:
            if cause := cause_in_entries(self.optimize.on_device(each), "train"):
                return cause, each
        if cause := cause_in_weights(_parameters(self.pipeline)):
            return cause, batches[0]
        for each in batches:
            if cause := self._cause_in(each):
                return cause, each
        return Cause("The same batch has a finite loss when it is computed again.", DIVERGED), batches[0]

    def _cause_in(self, each: MicroBatch) -> Cause | None:
        plan, outputs = self.pipeline.plan, self.pipeline.plan.model.declared.outputs
        batch = self.optimize.on_device(each)
        with autocast(self.pipeline.device, plan.step):
            values = with_outputs(plan.model.declared, self.pipeline.forward, batch)
            cause = cause_of_loss(self.pipeline.loss, values, outputs, "train")
        if cause is None or plan.step.precision != "fp16":
            return cause
        values = with_outputs(plan.model.declared, self.pipeline.forward, batch)
        in_full = cause_of_loss(self.pipeline.loss, values, outputs, "train")
        return OVERFLOW if in_full is None else cause

    @property
    def _reader(self) -> Any:
        return self.pipeline.loaders["train"].executor.reader

    @property
    def _views(self) -> int:
        return self.pipeline.loaders["train"].executor.views


def _parameters(pipeline: Pipeline) -> dict[str, torch.nn.Parameter]:
    return named_parameters(pipeline.model, pipeline.loss)


def _weights(pipeline: Pipeline) -> dict[str, torch.Tensor]:
    """Parameters and buffers of the model and the losses, and the averaged ones."""
    found: dict[str, torch.Tensor] = {**_parameters(pipeline), **dict(pipeline.model.named_buffers())}
    found.update({f"loss.{name}": buffer for name, buffer in pipeline.loss.named_buffers()})
    if pipeline.averaged is not None:
        averaged = pipeline.averaged.module
        found.update({f"averaged {name}": value for name, value in averaged.named_parameters()})
        found.update({f"averaged {name}": value for name, value in averaged.named_buffers()})
    return found
