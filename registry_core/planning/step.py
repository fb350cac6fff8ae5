"""The decisions of the train step: terms of the loss, precision, memory format, and what follows the gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from registry_core.analysis.activations import Activation
from registry_core.components import Every, Loss, Metric
from registry_core.config.devices import Precision
from registry_core.config.models import Clip

Implementation = Literal["fused", "foreach", "torch's choice"]
"""Of an optimizer that torch has in several forms."""


class TermPlan(NamedTuple):
    """One term of the loss, and the activation before it."""

    loss: Loss
    weight: float
    inputs: tuple[str, ...]
    activation: Activation | None
    class_dimension: int


@dataclass(frozen=True)
class StepPlan:
    """How an optimizer step is made."""

    terms: tuple[TermPlan, ...]
    sums_samples: bool
    """The loss sums over the samples of a batch instead of averaging."""
    precision: Precision
    channels_last: bool
    """Batches are in channels-last memory order."""
    weights_channels_last: bool
    """The weights of the model are, too."""
    compile: bool
    accumulate: int
    """Batches of one step."""
    clip: Clip | None
    needs_closure: bool
    """The optimizer evaluates the loss several times in a step."""
    optimizer_implementation: Implementation
    ema_decay: float | None
    """Of the averaged weights; None if there are none."""
    deterministic: bool


@dataclass(frozen=True)
class EvaluationPlan:
    """What is measured, when, and with which weights."""

    metrics: tuple[Metric, ...]
    every: Every | None
    """None: never during training."""
    weights: Literal["trained", "averaged"]
