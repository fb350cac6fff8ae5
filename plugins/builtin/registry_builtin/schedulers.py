"""Schedulers: how the learning rate changes during a run."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from registry_core.components import CheckFailed, Horizon, Scheduler
from registry_core.components.scheduler import Unit
from registry_core.components.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Probability

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


def _increasing(milestones: tuple[int, ...]) -> tuple[int, ...]:
    if not milestones or any(later <= earlier for earlier, later in pairwise(milestones)):
        raise ValueError(f"expected one or more epochs, each later than the one before, not {list(milestones)}")
    return milestones


Milestones = Annotated[tuple[PositiveInt, ...], AfterValidator(_increasing)]
_GAMMA = "Factor on the learning rate."


class Step(Scheduler):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs; counts epochs.

    In epoch e (from 0) it is ``lr * gamma ** (e // step_size)``. Source: ``torch.optim.lr_scheduler.StepLR``.
    """

    target: ClassVar[str] = "torch.optim.lr_scheduler:StepLR"

    step_size: PositiveInt = Field(description="Epochs between two changes.")
    gamma: PositiveFloat = Field(default=0.1, description=_GAMMA)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the first change."""
        if self.step_size >= horizon.epochs:
            raise CheckFailed(
                f"The scheduler {self.name!r} never changes the learning rate: "
                f"step_size is {self.step_size} epochs and the run has {_epochs(horizon)}.",
                "It counts epochs, not optimizer steps: set step_size below the number of epochs, or leave it out.",
            )


class MultiStep(Scheduler):
    """Multiply the learning rate by ``gamma`` at each of the ``milestones``; counts epochs.

    In epoch e (from 0) it is ``lr * gamma ** n`` where n milestones are at most e.
    Source: ``torch.optim.lr_scheduler.MultiStepLR``.
    """

    target: ClassVar[str] = "torch.optim.lr_scheduler:MultiStepLR"

    milestones: Milestones = Field(description="Epochs (from 0) that start with a change, in increasing order.")
    gamma: PositiveFloat = Field(default=0.1, description=_GAMMA)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the first milestone."""
        if self.milestones[0] >= horizon.epochs:
            raise CheckFailed(
                f"The scheduler {self.name!r} never changes the learning rate: "
                f"its first milestone is epoch {self.milestones[0]} and the run has {_epochs(horizon)}.",
                "It counts epochs, not optimizer steps: set milestones within the run, or leave it out.",
            )


class Exponential(Scheduler):
    """Multiply the learning rate by ``gamma`` after every epoch; counts epochs.

    In epoch e (from 0) it is ``lr * gamma ** e``. Source: ``torch.optim.lr_scheduler.ExponentialLR``.
    """

    target: ClassVar[str] = "torch.optim.lr_scheduler:ExponentialLR"

    gamma: PositiveFloat = Field(description=_GAMMA)


class CosineAnnealing(Scheduler):
    """Lower the learning rate along half a cosine to ``eta_min``; counts epochs.

    In epoch e (from 0) it is ``eta_min + (lr - eta_min) * (1 + cos(pi * e / t_max)) / 2``; after ``t_max`` epochs it
    rises again. Source: Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts;
    ``torch.optim.lr_scheduler.CosineAnnealingLR``.
    """

    target: ClassVar[str] = "torch.optim.lr_scheduler:CosineAnnealingLR"
    renamed: ClassVar[dict[str, str]] = {"t_max": "T_max"}

    t_max: PositiveInt | None = Field(default=None, description="Epochs down to eta_min; null for the whole run.")
    eta_min: NonNegativeFloat = Field(default=0.0, description="The lowest learning rate.")

    def follows_length(self) -> bool:
        """Whether it ends with the run."""
        return self.t_max is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``t_max`` is so long that it was probably counted in steps."""
        if self.t_max is not None and self.t_max > 10 * horizon.epochs:
            raise CheckFailed(
                f"The scheduler {self.name!r} hardly changes the learning rate: "
                f"t_max is {self.t_max} epochs and the run has {_epochs(horizon)}.",
                "It counts epochs, not optimizer steps: leave t_max out, and it takes the whole run.",
            )

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer; without ``t_max``, for the epochs of the run."""
        filled = self if self.t_max is not None else self.model_copy(update={"t_max": horizon.epochs})
        built: LRScheduler = filled.make(optimizer)
        return built


class OneCycle(Scheduler):
    """Raise the learning rate to ``max_lr``, then lower it to nearly nothing; counts optimizer steps.

    It starts at ``max_lr / div_factor`` and ends at ``max_lr / (div_factor * final_div_factor)``. The optimizer's own
    learning rate, also that of a parameter group, is not used. With ``cycle_momentum`` the momentum (or the first beta)
    goes the other way, replacing the optimizer's own, even if that is 0. Source: Smith and Topin, "Super-convergence",
    2018; ``torch.optim.lr_scheduler.OneCycleLR``.
    """

    target: ClassVar[str] = "torch.optim.lr_scheduler:OneCycleLR"
    counts: ClassVar[Unit] = "step"

    max_lr: PositiveFloat = Field(description="The highest learning rate.")
    total_steps: PositiveInt | None = Field(default=None, description="Steps of the cycle; null for the whole run.")
    pct_start: Probability = Field(default=0.3, description="Share of the steps in which the learning rate rises.")
    anneal_strategy: Literal["cos", "linear"] = Field(default="cos", description="Shape of rise and fall.")
    cycle_momentum: bool = Field(default=True, description="Whether momentum moves against the learning rate.")
    base_momentum: NonNegativeFloat = Field(default=0.85, description="Momentum at the highest learning rate.")
    max_momentum: NonNegativeFloat = Field(default=0.95, description="Momentum at start and end.")
    div_factor: PositiveFloat = Field(default=25.0, description="max_lr divided by the first learning rate.")
    final_div_factor: PositiveFloat = Field(default=1e4, description="First learning rate divided by the last.")
    three_phase: bool = Field(default=False, description="Fall to the first rate at the pace of the rise, then on.")

    def follows_length(self) -> bool:
        """Whether it ends with the run."""
        return self.total_steps is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the cycle is shorter than the run, or has a phase of no steps."""
        total = self._total(horizon)
        if total < horizon.total_steps:
            raise CheckFailed(
                f"The scheduler {self.name!r} ends before the run: "
                f"total_steps is {total} and the run has {horizon.total_steps} optimizer steps.",
                "Leave total_steps out, and it takes the whole run.",
            )
        # torch divides by the length of a phase, whose ends it computes like this.
        rise_end = self.pct_start * total - 1
        last_start = 2 * self.pct_start * total - 2 if self.three_phase else rise_end
        if rise_end == 0 or last_start == total - 1:
            raise CheckFailed(
                f"The scheduler {self.name!r} has a phase of no steps: "
                f"pct_start is {self.pct_start} of {total} steps{' in three phases' if self.three_phase else ''}.",
                "Change pct_start a little.",
            )

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer; without ``total_steps``, for the steps of the run."""
        if self.cycle_momentum and not {"momentum", "betas"} & set(optimizer.defaults):
            raise CheckFailed(
                f"The scheduler {self.name!r} cannot cycle the momentum of {type(optimizer).__name__}, which has none.",
                "Set cycle_momentum to false.",
            )
        built: LRScheduler = self.model_copy(update={"total_steps": self._total(horizon)}).make(optimizer)
        return built

    def _total(self, horizon: Horizon) -> int:
        return horizon.total_steps if self.total_steps is None else self.total_steps


class ReduceOnPlateau(Scheduler):
    """Multiply the learning rate by ``factor`` when a metric stops getting better; counts evaluations.

    It is fed the metric ``monitor`` after each evaluation; after more than ``patience`` evaluations in a row that are
    not better than the best by ``threshold``, the learning rate falls.
    Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``.
    """

    target: ClassVar[str] = "torch.optim.lr_scheduler:ReduceLROnPlateau"
    counts: ClassVar[Unit] = "evaluation"

    monitor: str = Field(default="val/loss", description="The metric to watch.")
    mode: Literal["min", "max"] | None = Field(
        default=None,
        description="Whether less (min) or more (max) is better; null for min if monitor ends in loss, else max.",
    )
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.1, description=_GAMMA)
    patience: NonNegativeInt = Field(default=10, description="Evaluations without progress that are borne.")
    threshold: NonNegativeFloat = Field(default=1e-4, description="The least change that counts as progress.")
    threshold_mode: Literal["rel", "abs"] = Field(
        default="rel", description="Whether the threshold is a share of the best value (rel) or a difference (abs)."
    )
    cooldown: NonNegativeInt = Field(default=0, description="Evaluations after a change that count for nothing.")
    min_lr: NonNegativeFloat = Field(default=0.0, description="The lowest learning rate.")
    eps: NonNegativeFloat = Field(default=1e-8, description="Changes of the learning rate below this are not made.")

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: ``mode`` decided, ``monitor`` left to the loop."""
        arguments = super().arguments()
        monitor = arguments.pop("monitor")
        arguments["mode"] = self.mode or ("min" if monitor.endswith("loss") else "max")
        return arguments


def _epochs(horizon: Horizon) -> str:
    return f"{horizon.epochs} epoch{'' if horizon.epochs == 1 else 's'}"
