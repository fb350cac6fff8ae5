"""Schedulers that change the learning rate by a fixed rule, and the one that watches a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from registry_core.components import CheckFailed, Horizon, RunFacts, Scheduler
from registry_core.components.scheduler import Unit
from registry_core.components.types import NonNegativeFloat, NonNegativeInt, OneOrList, PositiveFloat, PositiveInt

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


def _increasing(milestones: tuple[int, ...]) -> tuple[int, ...]:
    if not milestones or any(later <= earlier for earlier, later in pairwise(milestones)):
        raise ValueError(f"expected one or more milestones in increasing order, not {list(milestones)}")
    return milestones


Milestones = Annotated[tuple[PositiveInt, ...], AfterValidator(_increasing)]
"""Epochs or steps in increasing order."""

_GAMMA = "Factor of the learning rate."

_NOTHING = 1e-6
"""Factor below which a learning rate no longer trains anything."""


class Step(Scheduler):
    """Multiply the learning rate by ``gamma`` every ``step_size`` epochs; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * gamma ** (e // step_size)``. Source:
    ``torch.optim.lr_scheduler.StepLR``.
    """

    target = "torch.optim.lr_scheduler:StepLR"
    example: ClassVar[Mapping[str, Any]] = {"step_size": 30, "gamma": 0.1}

    step_size: PositiveInt = Field(description="Number of epochs between changes.")
    gamma: PositiveFloat = Field(default=0.1, description=_GAMMA)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the first change."""
        if self.step_size >= self.length_in_units(horizon):
            raise self.unfit(
                f"never changes the learning rate: step_size is {self.in_units(self.step_size)}",
                horizon,
                f"set step_size below the number of {self.in_units()}, or remove the scheduler",
                at="step_size",
            )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if ``gamma`` increases the learning rate."""
        return _raised(self)


class MultiStep(Scheduler):
    """Multiply the learning rate by ``gamma`` at each of the ``milestones``; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * gamma ** n``, where n is the number of milestones up to e. Source:
    ``torch.optim.lr_scheduler.MultiStepLR``.
    """

    target = "torch.optim.lr_scheduler:MultiStepLR"
    example: ClassVar[Mapping[str, Any]] = {"milestones": [30, 60, 80], "gamma": 0.1}

    milestones: Milestones = Field(
        description="Epochs (from 0) at which the learning rate changes, in increasing order."
    )
    gamma: PositiveFloat = Field(default=0.1, description=_GAMMA)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the first milestone."""
        if self.milestones[0] >= self.length_in_units(horizon):
            raise self.unfit(
                f"never changes the learning rate: its first milestone is {self.get_unit()} {self.milestones[0]}",
                horizon,
                "set milestones within the run, or remove the scheduler",
                at="milestones",
            )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of milestones after the end of the run, and if ``gamma`` increases the learning rate."""
        horizon = facts.horizon
        if horizon is None:
            return ()
        last = self.milestones[-1]
        if last < self.length_in_units(horizon):
            return _raised(self)
        what = f"never reaches its last milestone: that is {self.get_unit()} {last}"
        return (self.unfit(what, horizon, "set milestones within the run", at="milestones"), *_raised(self))


class Exponential(Scheduler):
    """Multiply the learning rate by ``gamma`` after every epoch; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * gamma ** e``. Source: ``torch.optim.lr_scheduler.ExponentialLR``.
    """

    target = "torch.optim.lr_scheduler:ExponentialLR"
    example: ClassVar[Mapping[str, Any]] = {"gamma": 0.95}

    gamma: PositiveFloat = Field(description=_GAMMA)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the learning rate vanishes long before the end of the run."""
        horizon = facts.horizon
        if horizon is None:
            return ()
        share = self.gamma ** self.length_in_units(horizon)
        if share >= _NOTHING:
            return ()
        what = f"lets the learning rate vanish: its final factor is {share:.1g}"
        return (self.unfit(what, horizon, "set gamma closer to 1", at="gamma"),)


def _raised(scheduler: Step | MultiStep) -> Sequence[CheckFailed]:
    if scheduler.gamma <= 1:
        return ()
    message = (
        f"The scheduler {scheduler.name!r} raises the learning rate at each change, by a factor of {scheduler.gamma:g}."
    )
    return (CheckFailed(message, "Set gamma below 1, for example 0.1.", ("gamma",)),)


class _OverIterations(Scheduler):
    """Base of ``linear`` and ``polynomial``, which span ``total_iters`` or the whole run."""

    if TYPE_CHECKING:  # each subclass declares the field, in its own order
        total_iters: PositiveInt | None

    def depends_on_length(self) -> bool:
        """Return whether the schedule ends with the run."""
        return self.total_iters is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``total_iters`` is so long that it was probably meant in steps."""
        self.refuse_longer(horizon, "total_iters", "set total_iters to null to span the whole run")

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the scheduler for this optimizer; with ``total_iters`` null, for the length of the run."""
        filled = self.model_copy(update={"total_iters": self.total_iters or self.length_in_units(horizon)})
        built: LRScheduler = filled.make(optimizer)
        return built


class Linear(_OverIterations):
    """Change the factor of the learning rate linearly from ``start_factor`` to ``end_factor``; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * (start_factor + (end_factor - start_factor) * min(e / total_iters,
    1))``. For a warm-up before another schedule, use ``warmup``. Source: ``torch.optim.lr_scheduler.LinearLR``.
    """

    target = "torch.optim.lr_scheduler:LinearLR"
    example: ClassVar[Mapping[str, Any]] = {"start_factor": 1.0, "end_factor": 0.01, "total_iters": None}

    start_factor: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0 / 3, description="Initial factor.")
    end_factor: Annotated[float, Field(ge=0, le=1)] = Field(default=1.0, description="Final factor.")
    total_iters: PositiveInt | None = Field(
        default=5, description="Number of epochs from the initial to the final factor; null for the whole run."
    )


class Constant(Scheduler):
    """Multiply the learning rate by ``factor`` for the first ``total_iters`` epochs; counts epochs.

    Source: ``torch.optim.lr_scheduler.ConstantLR``, which cannot undo a factor of 0.
    """

    target = "torch.optim.lr_scheduler:ConstantLR"
    example: ClassVar[Mapping[str, Any]] = {"factor": 0.1, "total_iters": 2}

    factor: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0 / 3, description=_GAMMA)
    total_iters: NonNegativeInt = Field(default=5, description="Number of epochs with the factor.")

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if ``total_iters`` is so long that it was probably meant in steps."""
        self.refuse_longer(horizon, "total_iters", "set total_iters below the length of the run")


class Polynomial(_OverIterations):
    """Decay the learning rate to 0 along a polynomial of the remaining time; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * (1 - min(e / total_iters, 1)) ** power``. Source:
    ``torch.optim.lr_scheduler.PolynomialLR``.
    """

    target = "torch.optim.lr_scheduler:PolynomialLR"
    example: ClassVar[Mapping[str, Any]] = {"total_iters": None, "power": 0.9}

    total_iters: PositiveInt | None = Field(
        default=5, description="Number of epochs until 0 is reached; null for the whole run."
    )
    power: PositiveFloat = Field(
        default=1.0, description="Exponent: 1 for a linear decay; larger values decay faster at the beginning."
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the learning rate is 0 before the end of the run."""
        horizon = facts.horizon
        if horizon is None:
            return ()
        if self.total_iters is None or self.total_iters >= self.length_in_units(horizon):
            return ()
        what = f"reaches a learning rate of 0 after {self.in_units(self.total_iters)}"
        return (self.unfit(what, horizon, "set total_iters to null to span the whole run", at="total_iters"),)


class ReduceOnPlateau(Scheduler):
    """Multiply the learning rate by ``factor`` when a metric stops improving; counts evaluations.

    It reads the metric ``monitor`` after each evaluation. After more than ``patience`` consecutive evaluations that do
    not improve on the best value by ``threshold``, the learning rate is reduced. Evaluations during a warm-up do not
    count, nor does one made only because the run ends. Source: ``torch.optim.lr_scheduler.ReduceLROnPlateau``.
    """

    target = "torch.optim.lr_scheduler:ReduceLROnPlateau"
    counts: ClassVar[Unit] = "evaluation"
    per_group: ClassVar[tuple[str, ...]] = ("min_lr",)
    stands_alone: ClassVar[str] = "it counts evaluations, not epochs or steps"
    example: ClassVar[Mapping[str, Any]] = {"monitor": "val/loss", "factor": 0.5, "patience": 3}

    monitor: str = Field(default="val/loss", description="Metric to monitor.")
    mode: Literal["min", "max"] | None = Field(
        default=None,
        description="Direction of improvement: min if lower is better, max if higher is; null for min if monitor "
        "ends in loss, else max.",
    )
    factor: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.1, description=_GAMMA)
    patience: NonNegativeInt = Field(
        default=10, description="Number of evaluations without improvement that are tolerated."
    )
    threshold: NonNegativeFloat = Field(default=1e-4, description="Minimum change that counts as an improvement.")
    threshold_mode: Literal["rel", "abs"] = Field(
        default="rel", description="Meaning of threshold: a fraction of the best value (rel) or a difference (abs)."
    )
    cooldown: NonNegativeInt = Field(default=0, description="Number of evaluations to ignore after a reduction.")
    min_lr: OneOrList[NonNegativeFloat] = Field(
        default=0.0, description="Lower bound of the learning rate, or one per parameter group."
    )
    eps: NonNegativeFloat = Field(
        default=1e-8, description="Minimum change of the learning rate; smaller changes are not made."
    )

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torch's form: ``mode`` resolved, ``monitor`` left to the loop."""
        arguments = super().arguments()
        monitor = arguments.pop("monitor")
        arguments["mode"] = self.mode or ("min" if monitor.endswith("loss") else "max")
        return arguments
