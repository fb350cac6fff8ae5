"""Schedulers that change the learning rate by a fixed rule, and the one that watches a metric."""

from __future__ import annotations

import math
import sys
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

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate after the changes so far."""
        return lr * _power(self.gamma, unit // self.step_size)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the run ends before the first change, or if ``gamma`` does not lower the learning rate."""
        horizon = facts.horizon
        if horizon is None or self.step_size < self.length_in_units(horizon):
            return _raised(self)
        what = f"never changes the learning rate: step_size is {self.in_units(self.step_size)}"
        remedy = f"set step_size below the number of {self.in_units()}, or remove the scheduler"
        return (self.unfit(what, horizon, remedy, at="step_size"), *_raised(self))


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

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate after the milestones so far."""
        return lr * _power(self.gamma, sum(milestone <= unit for milestone in self.milestones))

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of milestones after the end of the run, and if ``gamma`` does not lower the learning rate."""
        horizon = facts.horizon
        if horizon is None:
            return _raised(self)
        first, last, units = self.milestones[0], self.milestones[-1], self.length_in_units(horizon)
        if last < units:
            return _raised(self)
        what, remedy = f"never reaches its last milestone: that is {self.get_unit()} {last}", ""
        if first >= units:
            what = f"never changes the learning rate: its first milestone is {self.get_unit()} {first}"
            remedy = ", or remove the scheduler"
        unfit = self.unfit(what, horizon, f"set milestones within the run{remedy}", at="milestones")
        return (unfit, *_raised(self))


class Exponential(Scheduler):
    """Multiply the learning rate by ``gamma`` after every epoch; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * gamma ** e``. Source: ``torch.optim.lr_scheduler.ExponentialLR``.
    """

    target = "torch.optim.lr_scheduler:ExponentialLR"
    example: ClassVar[Mapping[str, Any]] = {"gamma": 0.95}

    gamma: PositiveFloat = Field(description=_GAMMA)

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate after this number of changes."""
        return lr * _power(self.gamma, unit)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the learning rate vanishes long before the end of the run, or does not fall."""
        horizon = facts.horizon
        if horizon is None or self.gamma >= 1:
            return _raised(self)
        share = self.gamma ** self.length_in_units(horizon)
        if share >= _NOTHING:
            return ()
        what = f"lets the learning rate vanish: its final factor is {share:.1g}"
        return (self.unfit(what, horizon, "set gamma closer to 1", at="gamma"),)


def _raised(scheduler: Step | MultiStep | Exponential) -> Sequence[CheckFailed]:
    if scheduler.gamma < 1:
        return ()
    does = f"raises the learning rate at each change, by a factor of {scheduler.gamma:g}"
    if scheduler.gamma == 1:
        does = "never changes the learning rate: gamma is 1"
    such_as = "0.95" if isinstance(scheduler, Exponential) else "0.1"
    message = f"The scheduler {scheduler.name!r} {does}."
    return (CheckFailed(message, f"Set gamma below 1, for example {such_as}.", ("gamma",)),)


def _power(base: float, exponent: int) -> float:
    """A power that is infinite where it exceeds the range of floats."""
    try:
        return base**exponent
    except OverflowError:
        return math.inf


class _OverIterations(Scheduler):
    """Base of ``linear`` and ``polynomial``, which span ``total_iters`` or the whole run."""

    if TYPE_CHECKING:  # each subclass declares the field, in its own order
        total_iters: PositiveInt | None

    def depends_on_length(self) -> bool:
        """Return whether the schedule ends with the run."""
        return self.total_iters is None

    def share_at(self, unit: int, horizon: Horizon) -> float:
        """Return the share of its course that is over in a unit of the run."""
        return min(unit / (self.total_iters or self.length_in_units(horizon)), 1.0)

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the scheduler for this optimizer; with ``total_iters`` null, for the length of the run."""
        filled = self.model_copy(update={"total_iters": self.total_iters or self.length_in_units(horizon)})
        built: LRScheduler = filled.make(optimizer)
        return built


_WHOLE_RUN = "remove total_iters to span the whole run"


class Linear(_OverIterations):
    """Change the factor of the learning rate linearly from ``start_factor`` to ``end_factor``; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * (start_factor + (end_factor - start_factor) * min(e / total_iters,
    1))``. For a warm-up before another schedule, use ``warmup``. Source: ``torch.optim.lr_scheduler.LinearLR``, which
    spans 5 epochs by default.
    """

    target = "torch.optim.lr_scheduler:LinearLR"
    example: ClassVar[Mapping[str, Any]] = {"start_factor": 1.0, "end_factor": 0.01}

    start_factor: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0 / 3, description="Initial factor.")
    end_factor: Annotated[float, Field(ge=0, le=1)] = Field(default=1.0, description="Final factor.")
    total_iters: PositiveInt | None = Field(
        default=None, description="Number of epochs from the initial to the final factor; null for the whole run."
    )

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate between the two factors."""
        return lr * (self.start_factor + (self.end_factor - self.start_factor) * self.share_at(unit, horizon))

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the factor stays the same, or a change does not fit the run: too long, or a decay over too early."""
        if self.start_factor == self.end_factor:
            message = f"The scheduler {self.name!r} never changes the learning rate: both factors are equal."
            return (CheckFailed(message, "Set end_factor below start_factor for a decay.", ("end_factor",)),)
        horizon = facts.horizon
        if horizon is None or self.total_iters is None:
            return ()
        falls, early = self.end_factor < self.start_factor, 0.5 * self.length_in_units(horizon)
        if falls and self.total_iters < (self.length_in_units(horizon) if self.end_factor == 0 else early):
            what = f"reaches its final factor {self.end_factor:g} after {self.in_units(self.total_iters)}"
            return (self.unfit(what, horizon, _WHOLE_RUN, at="total_iters"),)
        effect = f"does not reach its final factor {self.end_factor:g}"
        return self.too_long(horizon, "total_iters", effect, _WHOLE_RUN)


class Constant(Scheduler):
    """Multiply the learning rate by ``factor`` for the first ``total_iters`` epochs; counts epochs.

    Source: ``torch.optim.lr_scheduler.ConstantLR``, which cannot undo a factor of 0, and lasts 5 epochs by default.
    """

    target = "torch.optim.lr_scheduler:ConstantLR"
    example: ClassVar[Mapping[str, Any]] = {"factor": 0.1, "total_iters": 2}

    factor: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0 / 3, description=_GAMMA)
    total_iters: NonNegativeInt | None = Field(
        default=None,
        description="Number of epochs with the factor; null for the whole run, or its part of `sequential`.",
    )

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate with the factor, or without it after ``total_iters``."""
        return lr if self.total_iters is not None and unit >= self.total_iters else lr * self.factor

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the scheduler for this optimizer; with ``total_iters`` null, the factor is never undone."""
        lasting = sys.maxsize if self.total_iters is None else self.total_iters
        built: LRScheduler = self.model_copy(update={"total_iters": lasting}).make(optimizer)
        return built


class Polynomial(_OverIterations):
    """Decay the learning rate to 0 along a polynomial of the remaining time; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * (1 - min(e / total_iters, 1)) ** power``. Source:
    ``torch.optim.lr_scheduler.PolynomialLR``, which spans 5 epochs by default.
    """

    target = "torch.optim.lr_scheduler:PolynomialLR"
    example: ClassVar[Mapping[str, Any]] = {"power": 0.9}

    total_iters: PositiveInt | None = Field(
        default=None, description="Number of epochs until 0 is reached; null for the whole run."
    )
    power: PositiveFloat = Field(
        default=1.0, description="Exponent: 1 for a linear decay; larger values decay faster at the beginning."
    )

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate on the polynomial."""
        return float(lr * (1 - self.share_at(unit, horizon)) ** self.power)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the learning rate is 0 before the end of the run, or far from 0 there."""
        horizon = facts.horizon
        if horizon is None or self.total_iters is None:
            return ()
        if self.total_iters >= self.length_in_units(horizon):
            return self.too_long(horizon, "total_iters", "does not reach 0", _WHOLE_RUN)
        what = f"reaches a learning rate of 0 after {self.in_units(self.total_iters)}"
        return (self.unfit(what, horizon, _WHOLE_RUN, at="total_iters"),)


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

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if no reduction can happen: ``min_lr`` is not below the learning rate, or ``eps`` forbids it."""
        if facts.lr is None:
            return ()
        lowest = self.min_lr if isinstance(self.min_lr, float) else min(self.min_lr)
        if lowest >= facts.lr:
            message = f"{self.name} never lowers the learning rate: min_lr {lowest:g} is not below lr {facts.lr:g}."
            return (CheckFailed(message, "Set min_lr below lr.", ("min_lr",)),)
        if self.eps >= facts.lr - max(facts.lr * self.factor, lowest):
            message = f"{self.name} never lowers the learning rate: eps {self.eps:g} exceeds the first reduction."
            return (CheckFailed(message, "Set eps far below lr.", ("eps",)),)
        if self.threshold_mode == "rel" and self.threshold >= 0.5:
            message = f"{self.name} counts only changes of {self.threshold:.0%} or more as improvements."
            return (CheckFailed(message, "Set a smaller threshold, for example 0.0001.", ("threshold",)),)
        return ()
