"""Schedulers that lower or raise the learning rate by a rule of their own, and the one that watches a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from registry_core.components import CheckFailed, Horizon, Optimizer, Scheduler
from registry_core.components.scheduler import Unit
from registry_core.components.types import NonNegativeFloat, NonNegativeInt, OneOrList, PositiveFloat, PositiveInt

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


def _increasing(milestones: tuple[int, ...]) -> tuple[int, ...]:
    if not milestones or any(later <= earlier for earlier, later in pairwise(milestones)):
        raise ValueError(f"expected one or more milestones, each later than the one before, not {list(milestones)}")
    return milestones


Milestones = Annotated[tuple[PositiveInt, ...], AfterValidator(_increasing)]
"""Numbers of epochs or steps, in increasing order."""

_GAMMA = "Factor on the learning rate."

_NOTHING = 1e-6
"""A learning rate with this factor trains no more."""


class Step(Scheduler):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs; counts epochs.

    In epoch e (from 0) it is ``lr * gamma ** (e // step_size)``. Source: ``torch.optim.lr_scheduler.StepLR``.
    """

    target = "torch.optim.lr_scheduler:StepLR"
    example: ClassVar[Mapping[str, Any]] = {"step_size": 30, "gamma": 0.1}

    step_size: PositiveInt = Field(description="Epochs between two changes.")
    gamma: PositiveFloat = Field(default=0.1, description=_GAMMA)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the first change."""
        if self.step_size >= self.length_in_units(horizon):
            raise self.unfit(
                f"never changes the learning rate: step_size is {self.in_units(self.step_size)}",
                horizon,
                f"set step_size below the number of {self.in_units()}, or leave the scheduler out",
                at="step_size",
            )

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """A factor that raises the learning rate."""
        return _raised(self)


class MultiStep(Scheduler):
    """Multiply the learning rate by ``gamma`` at each of the ``milestones``; counts epochs.

    In epoch e (from 0) it is ``lr * gamma ** n`` where n milestones are at most e.
    Source: ``torch.optim.lr_scheduler.MultiStepLR``.
    """

    target = "torch.optim.lr_scheduler:MultiStepLR"
    example: ClassVar[Mapping[str, Any]] = {"milestones": [30, 60, 80], "gamma": 0.1}

    milestones: Milestones = Field(description="Epochs (from 0) that start with a change, in increasing order.")
    gamma: PositiveFloat = Field(default=0.1, description=_GAMMA)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the first milestone."""
        if self.milestones[0] >= self.length_in_units(horizon):
            raise self.unfit(
                f"never changes the learning rate: its first milestone is {self.get_unit()} {self.milestones[0]}",
                horizon,
                "set milestones within the run, or leave the scheduler out",
                at="milestones",
            )

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """Milestones after the end, and a factor that raises the learning rate."""
        last = self.milestones[-1]
        if last < self.length_in_units(horizon):
            return _raised(self)
        what = f"never comes to its last milestone: that is {self.get_unit()} {last}"
        return (self.unfit(what, horizon, "set milestones within the run", at="milestones"), *_raised(self))


class Exponential(Scheduler):
    """Multiply the learning rate by ``gamma`` after every epoch; counts epochs.

    In epoch e (from 0) it is ``lr * gamma ** e``. Source: ``torch.optim.lr_scheduler.ExponentialLR``.
    """

    target = "torch.optim.lr_scheduler:ExponentialLR"
    example: ClassVar[Mapping[str, Any]] = {"gamma": 0.95}

    gamma: PositiveFloat = Field(description=_GAMMA)

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """A learning rate that is nothing long before the end."""
        share = self.gamma ** self.length_in_units(horizon)
        if share >= _NOTHING:
            return ()
        what = f"lets the learning rate vanish: {share:.1g} of it is left at the end"
        return (self.unfit(what, horizon, "set gamma nearer to 1", at="gamma"),)


def _raised(scheduler: Step | MultiStep) -> Sequence[CheckFailed]:
    if scheduler.gamma <= 1:
        return ()
    message = f"The scheduler {scheduler.name!r} raises the learning rate with each change, by {scheduler.gamma:g}."
    return (CheckFailed(message, "Set gamma below 1, such as 0.1.", ("gamma",)),)


class _OverIterations(Scheduler):
    """What ``linear`` and ``polynomial`` have in common: a course over ``total_iters``, or over the whole run."""

    if TYPE_CHECKING:  # the field is that of each, at its place among the others
        total_iters: PositiveInt | None

    def depends_on_length(self) -> bool:
        """Whether it ends with the run."""
        return self.total_iters is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``total_iters`` is so long that it was probably counted in steps."""
        self.refuse_longer(horizon, "total_iters", "set it to null, and it takes the whole run")

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer; with ``total_iters`` null, for the length of the run."""
        filled = self.model_copy(update={"total_iters": self.total_iters or self.length_in_units(horizon)})
        built: LRScheduler = filled.make(optimizer)
        return built


class Linear(_OverIterations):
    """Change the factor on the learning rate along a line from ``start_factor`` to ``end_factor``; counts epochs.

    In epoch e (from 0) it is ``lr * (start_factor + (end_factor - start_factor) * min(e / total_iters, 1))``.
    For a rise before another schedule, there is ``warmup``. Source: ``torch.optim.lr_scheduler.LinearLR``.
    """

    target = "torch.optim.lr_scheduler:LinearLR"
    example: ClassVar[Mapping[str, Any]] = {"start_factor": 1.0, "end_factor": 0.01, "total_iters": None}

    start_factor: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0 / 3, description="Factor in the beginning.")
    end_factor: Annotated[float, Field(ge=0, le=1)] = Field(default=1.0, description="Factor in the end.")
    total_iters: PositiveInt | None = Field(
        default=5, description="Epochs from the one to the other; null for the whole run."
    )


class Constant(Scheduler):
    """Multiply the learning rate by ``factor`` for the first ``total_iters`` epochs; counts epochs.

    Source: ``torch.optim.lr_scheduler.ConstantLR``, which fails with a factor of 0 when it wants to undo it.
    """

    target = "torch.optim.lr_scheduler:ConstantLR"
    example: ClassVar[Mapping[str, Any]] = {"factor": 0.1, "total_iters": 2}

    factor: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0 / 3, description=_GAMMA)
    total_iters: NonNegativeInt = Field(default=5, description="Epochs with the factor.")

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``total_iters`` is so long that it was probably counted in steps."""
        self.refuse_longer(horizon, "total_iters", "set it below the length of the run")


class Polynomial(_OverIterations):
    """Lower the learning rate to 0 along a power of the time that is left; counts epochs.

    In epoch e (from 0) it is ``lr * (1 - min(e / total_iters, 1)) ** power``.
    Source: ``torch.optim.lr_scheduler.PolynomialLR``.
    """

    target = "torch.optim.lr_scheduler:PolynomialLR"
    example: ClassVar[Mapping[str, Any]] = {"total_iters": None, "power": 0.9}

    total_iters: PositiveInt | None = Field(default=5, description="Epochs down to 0; null for the whole run.")
    power: PositiveFloat = Field(default=1.0, description="1 for a line; more falls faster in the beginning.")

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """A learning rate of 0 before the end."""
        if self.total_iters is None or self.total_iters >= self.length_in_units(horizon):
            return ()
        what = f"has a learning rate of 0 after {self.in_units(self.total_iters)}"
        return (self.unfit(what, horizon, "set total_iters to null, and it takes the whole run", at="total_iters"),)


class ReduceOnPlateau(Scheduler):
    """Multiply the learning rate by ``factor`` when a metric stops getting better; counts evaluations.

    It is fed the metric ``monitor`` after each evaluation; after more than ``patience`` evaluations in a row that are
    not better than the best by ``threshold``, the learning rate falls. Evaluations during a warm-up do not count, nor
    one that is made only because the run ends. Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``.
    """

    target = "torch.optim.lr_scheduler:ReduceLROnPlateau"
    counts: ClassVar[Unit] = "evaluation"
    per_group: ClassVar[tuple[str, ...]] = ("min_lr",)
    stands_alone: ClassVar[str] = "it waits for evaluations, not for epochs or steps"
    example: ClassVar[Mapping[str, Any]] = {"monitor": "val/loss", "factor": 0.5, "patience": 3}

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
    min_lr: OneOrList[NonNegativeFloat] = Field(
        default=0.0, description="The lowest learning rate, or that of each parameter group."
    )
    eps: NonNegativeFloat = Field(default=1e-8, description="Changes of the learning rate below this are not made.")

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: ``mode`` decided, ``monitor`` left to the loop."""
        arguments = super().arguments()
        monitor = arguments.pop("monitor")
        arguments["mode"] = self.mode or ("min" if monitor.endswith("loss") else "max")
        return arguments
