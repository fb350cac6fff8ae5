"""Cosine schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Horizon, RunFacts, Scheduler
from registry_core.components.types import NonNegativeFloat, PositiveInt

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

_ETA_MIN = "Minimum learning rate."


class CosineAnnealing(Scheduler):
    """Decay the learning rate along half a cosine to ``eta_min``; counts epochs.

    The learning rate in epoch e (from 0) is ``eta_min + (lr - eta_min) * (1 + cos(pi * e / t_max)) / 2``; after
    ``t_max`` epochs it rises again. Source: Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts;
    ``torch.optim.lr_scheduler.CosineAnnealingLR``.
    """

    target = "torch.optim.lr_scheduler:CosineAnnealingLR"
    argument_names: ClassVar[dict[str, str]] = {"t_max": "T_max"}
    example: ClassVar[Mapping[str, Any]] = {"eta_min": 1e-5, "warmup": "1 epoch"}

    t_max: PositiveInt | None = Field(
        default=None, description="Number of epochs until eta_min is reached; null for the whole run."
    )
    eta_min: NonNegativeFloat = Field(default=0.0, description=_ETA_MIN)

    def depends_on_length(self) -> bool:
        """Return whether the schedule ends with the run."""
        return self.t_max is None

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate on a cosine of length ``t_max``, or of the run."""
        return _on_cosine(unit / (self.t_max or self.length_in_units(horizon)), lr, self.eta_min)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the decay does not end with the run, or if ``eta_min`` is not below the learning rate."""
        horizon = facts.horizon
        if horizon is None:
            return ()
        units, found = self.length_in_units(horizon), _above_rate(self, self.eta_min, facts.lr)
        if self.t_max is not None and not 0.9 * units - 1 <= self.t_max <= 1.25 * units:
            shorter = self.t_max < units
            does = "raises the learning rate again" if shorter else "does not reach eta_min"
            what = f"{does}: t_max is {self.in_units(self.t_max)}"
            found.append(self.unfit(what, horizon, "remove t_max to span the whole run", at="t_max"))
        return found

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the scheduler for this optimizer; without ``t_max``, for the length of the run."""
        filled = self.model_copy(update={"t_max": self.t_max or self.length_in_units(horizon)})
        built: LRScheduler = filled.make(optimizer)
        return built


class CosineAnnealingWarmRestarts(Scheduler):
    """Decay the learning rate along half a cosine to ``eta_min`` and restart, repeatedly; counts epochs.

    The first cycle takes ``t_0`` epochs, each later one ``t_mult`` times the previous one. The learning rate in epoch e
    of a cycle of t epochs is ``eta_min + (lr - eta_min) * (1 + cos(pi * e / t)) / 2``. Source: Loshchilov and Hutter,
    "SGDR", ICLR 2017; ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.
    """

    target = "torch.optim.lr_scheduler:CosineAnnealingWarmRestarts"
    argument_names: ClassVar[dict[str, str]] = {"t_0": "T_0", "t_mult": "T_mult"}
    example: ClassVar[Mapping[str, Any]] = {"t_0": 10, "t_mult": 2}

    t_0: PositiveInt = Field(description="Number of epochs in the first cycle.")
    t_mult: PositiveInt = Field(default=1, description="Factor by which each cycle is longer than the previous one.")
    eta_min: NonNegativeFloat = Field(default=0.0, description=_ETA_MIN)

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate on the cosine of the cycle that the unit is in."""
        length = self.t_0
        while unit >= length and self.t_mult > 1:
            unit, length = unit - length, length * self.t_mult
        return _on_cosine(unit % length / length, lr, self.eta_min)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the first cycle is longer than the run, or if ``eta_min`` is not below the learning rate."""
        found = _above_rate(self, self.eta_min, facts.lr)
        if facts.horizon is not None:
            effect, remedy = "never restarts", "set t_0 below the length of the run"
            found += self.too_long(facts.horizon, "t_0", effect, remedy)
        return found


def _on_cosine(share: float, highest: float, lowest: float) -> float:
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * share)) / 2


def _above_rate(scheduler: Scheduler, lowest: float, rate: float | None) -> list[CheckFailed]:
    if rate is None or lowest < rate:
        return []
    does = "exceeds" if lowest > rate else "is also"
    message = f"The scheduler {scheduler.name!r} ends at eta_min {lowest:g}, which {does} the learning rate {rate:g}."
    return [CheckFailed(message, "Set eta_min below lr.", ("eta_min",))]
