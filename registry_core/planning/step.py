"""The decisions about the training step: loss terms, precision, memory format, clipping and the optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from registry_core.analysis.activations import Activation
from registry_core.components import Every, Loss, Metric
from registry_core.config.devices import Precision
from registry_core.config.models import Clip

Implementation = Literal["fused", "foreach", "torch's choice"]
"""The implementation of an optimizer that torch has in several."""


class TermPlan(NamedTuple):
    """One term of the loss, and the activation before it."""

    loss: Loss
    weight: float
    inputs: tuple[str, ...]
    activation: Activation | None
    class_dimension: int
    over: Literal["samples", "targets"] = "samples"
    """The divisor of the mean: the samples, or the targets that count."""


@dataclass(frozen=True)
class StepPlan:
    """The decisions about an optimizer step."""

    terms: tuple[TermPlan, ...]
    sums_samples: bool
    """True if the loss sums over the samples of a batch instead of averaging."""
    precision: Precision
    channels_last: bool
    """True if batches are in channels-last memory order."""
    weights_channels_last: bool
    """True if the weights of the model are in channels-last memory order."""
    compile: bool
    accumulate: int
    """The number of batches in one step."""
    clip: Clip | None
    needs_closure: bool
    """True if the optimizer evaluates the loss several times in a step."""
    optimizer_implementation: Implementation
    ema_decay: float | None
    """The decay of the averaged weights; None if there are none."""
    deterministic: bool
    non_finite: Literal["stop", "skip"]
    """The reaction to a loss or gradients that are not finite."""


@dataclass(frozen=True)
class EvaluationPlan:
    """The metrics of evaluations, their interval, and the weights that are evaluated."""

    metrics: tuple[Metric, ...]
    every: Every | None
    """The interval; None: never during training."""
    weights: Literal["trained", "averaged"]
    counts_train_loss: bool
    """True if a component monitors the training loss, which is then averaged from one evaluation to the next."""

    @property
    def counted_every(self) -> Every:
        """The interval of what counts for schedules, stopping and the best checkpoint, also without evaluations."""
        return self.every or Every(1, "epoch")
