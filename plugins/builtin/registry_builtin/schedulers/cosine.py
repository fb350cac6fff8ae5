"""Schedules along a cosine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Horizon, Optimizer, Scheduler
from registry_core.components.types import NonNegativeFloat, PositiveInt

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

_ETA_MIN = "The lowest learning rate."


class CosineAnnealing(Scheduler):
    """Lower the learning rate along half a cosine to ``eta_min``; counts epochs.

    In epoch e (from 0) it is ``eta_min + (lr - eta_min) * (1 + cos(pi * e / t_max)) / 2``; after ``t_max`` epochs it
    rises again. Source: Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts;
    ``torch.optim.lr_scheduler.CosineAnnealingLR``.
    """

    target = "torch.optim.lr_scheduler:CosineAnnealingLR"
    argument_names: ClassVar[dict[str, str]] = {"t_max": "T_max"}
    example: ClassVar[Mapping[str, Any]] = {"eta_min": 1e-5, "warmup": "1 epoch"}

    t_max: PositiveInt | None = Field(default=None, description="Epochs down to eta_min; null for the whole run.")
    eta_min: NonNegativeFloat = Field(default=0.0, description=_ETA_MIN)

    def depends_on_length(self) -> bool:
        """Whether it ends with the run."""
        return self.t_max is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``t_max`` is so long that it was probably counted in steps."""
        self.refuse_longer(horizon, "t_max", "leave t_max out, and it takes the whole run")

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """A fall that is not over with the run, or over before it, and a lowest rate above the first."""
        units, found = self.length_in_units(horizon), _above_rate(self, self.eta_min, optimizer)
        if self.t_max is not None and not 0.9 * units - 1 <= self.t_max <= 1.25 * units:
            shorter = self.t_max < units
            does = "raises the learning rate again" if shorter else "does not come down to eta_min"
            what = f"{does}: t_max is {self.in_units(self.t_max)}"
            found.append(self.unfit(what, horizon, "leave t_max out, and it takes the whole run", at="t_max"))
        return found

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer; without ``t_max``, for the length of the run."""
        filled = self.model_copy(update={"t_max": self.t_max or self.length_in_units(horizon)})
        built: LRScheduler = filled.make(optimizer)
        return built


class CosineAnnealingWarmRestarts(Scheduler):
    """Lower the learning rate along half a cosine to ``eta_min``, jump back, and again; counts epochs.

    The first fall takes ``t_0`` epochs, each later one ``t_mult`` times the one before. In epoch e of a fall of t it is
    ``eta_min + (lr - eta_min) * (1 + cos(pi * e / t)) / 2``. Source: Loshchilov and Hutter, "SGDR", ICLR 2017;
    ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``.
    """

    target = "torch.optim.lr_scheduler:CosineAnnealingWarmRestarts"
    argument_names: ClassVar[dict[str, str]] = {"t_0": "T_0", "t_mult": "T_mult"}
    example: ClassVar[Mapping[str, Any]] = {"t_0": 10, "t_mult": 2}

    t_0: PositiveInt = Field(description="Epochs of the first fall.")
    t_mult: PositiveInt = Field(default=1, description="Each fall's length divided by that of the one before.")
    eta_min: NonNegativeFloat = Field(default=0.0, description=_ETA_MIN)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``t_0`` is so long that it was probably counted in steps."""
        self.refuse_longer(horizon, "t_0", "set t_0 below the length of the run")

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """A lowest rate above the first."""
        return _above_rate(self, self.eta_min, optimizer)


def _above_rate(scheduler: Scheduler, lowest: float, optimizer: Optimizer) -> list[CheckFailed]:
    rate = getattr(optimizer, "lr", None)
    if not isinstance(rate, float) or lowest <= rate:
        return []
    message = f"The scheduler {scheduler.name!r} ends at eta_min {lowest:g}, above the learning rate {rate:g}."
    return [CheckFailed(message, "Set eta_min below lr.", ("eta_min",))]
