"""Schedulers composed of registered functions, or of other schedulers in sequence or combined."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from registry_builtin.functions.rate_factors import RateFactor
from registry_builtin.schedulers.rules import Constant, Exponential, Linear, Milestones, MultiStep, Polynomial, Step
from registry_core.components import (
    CheckFailed,
    Function,
    Horizon,
    Optimizer,
    ParameterError,
    RunFacts,
    Scheduler,
    used_for,
)
from registry_core.components.forms import counted
from registry_core.components.scheduler import Unit
from registry_core.components.types import OneOrList

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


_MULTIPLYING = (Constant, Exponential, Linear, MultiStep, Polynomial, Step)
"""Schedulers of torch that multiply the current rate, so that their factors combine."""


class _OfFunctions(Scheduler):
    """Base of schedulers that use registered functions."""

    per_group: ClassVar[tuple[str, ...]] = ("lr_lambda",)

    lr_lambda: OneOrList[Function] = Field(
        description="Function from the epoch index to a factor, or a list with one per parameter group."
    )

    @field_validator("lr_lambda")
    @classmethod
    def _are_for_rates(cls, functions: OneOrList[Function]) -> OneOrList[Function]:
        used_for("learning rates", "power_decay", functions)
        return functions

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torch's form, with the functions built."""
        return {**super().arguments(), "lr_lambda": _built(self.lr_lambda)}


class Lambda(_OfFunctions):
    """Multiply the initial learning rate of each group by the value of a registered function; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * lr_lambda(e)``. Source: ``torch.optim.lr_scheduler.LambdaLR``.
    """

    target = "torch.optim.lr_scheduler:LambdaLR"
    example: ClassVar[Mapping[str, Any]] = {"lr_lambda": {"power_decay": {"base": 0.95}}}

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float | None:
        """Return the rate of the first group; None if the function does not declare its values."""
        function = self.lr_lambda[0] if isinstance(self.lr_lambda, tuple) else self.lr_lambda
        return lr * function.value_at(unit) if isinstance(function, RateFactor) else None


class Multiplicative(_OfFunctions):
    """Multiply the current learning rate of each group by the value of a registered function; counts epochs.

    The learning rate in epoch e (from 0) is ``lr * lr_lambda(1) * … * lr_lambda(e)``. Source:
    ``torch.optim.lr_scheduler.MultiplicativeLR``.
    """

    target = "torch.optim.lr_scheduler:MultiplicativeLR"
    example: ClassVar[Mapping[str, Any]] = {"lr_lambda": {"constant_factor": {"factor": 0.95}}}


def _built(functions: Function | tuple[Function, ...]) -> Any:
    return [function.build() for function in functions] if isinstance(functions, tuple) else functions.build()


Parts = Annotated[tuple[Scheduler, ...], Field(min_length=1, max_length=1_000)]


class _Composed(Scheduler):
    """Base of ``chained`` and ``sequential``: the inner schedulers count the same unit and start with the whole."""

    counts: ClassVar[Unit] = "epoch"
    stands_alone: ClassVar[str] = "torch does not support nested composition"

    if TYPE_CHECKING:  # each subclass declares the field, in its own order
        schedulers: tuple[Scheduler, ...]

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        for part in self.schedulers:
            if part.stands_alone:
                message = f"{part.name!r} cannot be part of another scheduler: {part.stands_alone}"
                raise ParameterError(message, f"Use {part.name} on its own")
            if part.get_warmup() is not None:
                message = f"the scheduler {part.name!r} has a warm-up, but only the outer scheduler may have one"
                raise ParameterError(message, "Move warmup to the outer scheduler")
        known = [part for part in self.schedulers if type(part) is not Scheduler]  # others are reported elsewhere
        units = {f"{part.name!r} by {self._unit_of(part)}": self._unit_of(part) for part in known}
        if len({*units.values(), *([self.by] if self.by else [])}) > 1:
            whole = f", and `by` is {self.by}" if self.by else ""
            raise ParameterError(
                f"the inner schedulers must count the same unit, but found {', '.join(units)}{whole}",
                "Set `by: epoch` or `by: step` of the outer scheduler, and remove other values inside",
            )
        return self

    def _unit_of(self, part: Scheduler) -> Unit:
        """Return the unit of an inner scheduler: its own ``by``, else the outer ``by``, else what it declares."""
        own = part.by if part.unit_is_set() else None
        return own or self.by or part.counts

    def get_unit(self) -> Unit:
        """Return the unit that it counts: that of ``by``, else that of the inner schedulers."""
        return self._unit_of(self.schedulers[0]) if self.schedulers else self.counts

    def parts(self, horizon: Horizon) -> list[tuple[Scheduler, Horizon]]:
        """Return the inner schedulers in the common unit, each with the length of its part of the run."""
        raise NotImplementedError

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if an inner scheduler does not fit its part of the run."""
        for place, (part, time) in enumerate(self.parts(horizon)):
            try:
                part.check(time)
            except CheckFailed as failed:
                raise _of_part(failed, part, place) from None

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Return the warnings of all inner schedulers, each for its part of the run."""
        horizon = facts.horizon
        if horizon is None:
            return ()
        return [
            _of_part(failed, part, place)
            for place, (part, time) in enumerate(self.parts(horizon))
            for failed in part.warnings(replace(facts, horizon=time))
        ]

    def check_optimizer(self, optimizer: Optimizer, groups: int | None) -> None:
        """Raise CheckFailed if an inner scheduler does not fit the optimizer."""
        for place, part in enumerate(self.schedulers):
            try:
                part.check_optimizer(optimizer, groups)
            except CheckFailed as failed:
                raise _of_part(failed, part, place) from None

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the inner schedulers in order, then the scheduler for this optimizer."""
        built = [part.build(optimizer, time) for part, time in self.parts(horizon)]
        return self._composed(optimizer, built)

    def _composed(self, optimizer: TorchOptimizer, built: list[Any]) -> LRScheduler:
        raise NotImplementedError

    def _counting(self, part: Scheduler) -> Scheduler:
        unit = self._unit_of(part)
        return part if part.get_unit() == unit else part.model_copy(update={"by": unit})


class Chained(_Composed):
    """Apply several schedulers together by multiplying their factors; counts their unit: epochs or optimizer steps.

    Only schedulers that modify the current learning rate combine as expected: ``step``, ``exponential``, ``constant``
    and similar ones do; ``lambda`` and ``cosine_annealing_warm_restarts`` overwrite it. Source:
    ``torch.optim.lr_scheduler.ChainedScheduler``.
    """

    target = "torch.optim.lr_scheduler:ChainedScheduler"
    example: ClassVar[Mapping[str, Any]] = {
        "schedulers": [{"constant": {"factor": 0.1, "total_iters": 2}}, {"exponential": {"gamma": 0.9}}]
    }

    schedulers: Parts = Field(description="Schedulers that count the same unit.")

    def depends_on_length(self) -> bool:
        """Return whether one of the schedulers ends with the run."""
        return any(part.depends_on_length() for part in self.schedulers)

    def parts(self, horizon: Horizon) -> list[tuple[Scheduler, Horizon]]:
        """Return the schedulers, each for the whole run."""
        return [(self._counting(part), horizon) for part in self.schedulers]

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float | None:
        """Return the rate after the factors of all; None if one does not only multiply the current rate."""
        if not all(isinstance(part, _MULTIPLYING) for part in self.schedulers):
            return None
        factors = [part.rate_at(unit, 1.0, time) for part, time in self.parts(horizon)]
        return lr * math.prod(factor for factor in factors if factor is not None)

    def _composed(self, optimizer: TorchOptimizer, built: list[Any]) -> LRScheduler:
        from torch.optim.lr_scheduler import ChainedScheduler

        return ChainedScheduler(built, optimizer=optimizer)


class Sequential(_Composed):
    """Apply several schedulers in sequence, switching at ``milestones``; counts their unit: epochs or optimizer steps.

    Each scheduler starts afresh from the optimizer's learning rates (``multiplicative`` from the current ones); one
    that spans the whole run spans its own part here. For a warm-up before another schedule, use ``warmup``. Source:
    ``torch.optim.lr_scheduler.SequentialLR``.
    """

    target = "torch.optim.lr_scheduler:SequentialLR"
    example: ClassVar[Mapping[str, Any]] = {
        "schedulers": [{"constant": {"factor": 0.1, "total_iters": 5}}, "cosine_annealing"],
        "milestones": [5],
    }

    schedulers: Parts = Field(description="Schedulers in order; all count the same unit.")
    milestones: Milestones = Field(
        description="Epochs (from 0) at which the second scheduler starts, the third, and so on."
    )

    @model_validator(mode="after")
    def _one_change_between_two(self) -> Self:
        if len(self.milestones) != len(self.schedulers) - 1:
            needed = counted(len(self.schedulers) - 1, "milestone")
            message = f"{counted(len(self.schedulers), 'scheduler')} require {needed}, not {len(self.milestones)}"
            raise ParameterError(message, "Write one milestone per change of scheduler")
        return self

    def depends_on_length(self) -> bool:
        """Return whether the last scheduler ends with the run; the others end at milestones."""
        return self.schedulers[-1].depends_on_length()

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float | None:
        """Return the rate of the part that the unit is in, which begins with the initial rate."""
        starts = (0, *self.milestones)
        number = bisect_right(starts, unit) - 1
        part, time = self.parts(horizon)[number]
        return part.rate_at(unit - starts[number], lr, time)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the run ends before the last milestone; else of schedulers that do not fit their part."""
        horizon = facts.horizon
        if horizon is None or self.milestones[-1] < self.length_in_units(horizon):
            return super().warnings(facts)
        what = f"never reaches its last scheduler: that starts with {self.get_unit()} {self.milestones[-1]}"
        return (self.unfit(what, horizon, "set milestones within the run", at="milestones"),)

    def parts(self, horizon: Horizon) -> list[tuple[Scheduler, Horizon]]:
        """Return the schedulers, each with the length of its part of the run."""
        starts = (0, *self.milestones)
        ends = (*self.milestones, max(self.length_in_units(horizon), starts[-1] + 1))
        return [
            (self._counting(part), self._time(end - start, horizon))
            for part, start, end in zip(self.schedulers, starts, ends, strict=True)
        ]

    def _time(self, count: int, horizon: Horizon) -> Horizon:
        per_epoch = max(horizon.steps_per_epoch, 1)
        of = "its part of the run"
        if self.get_unit() == "step":
            return Horizon(-(-count // per_epoch), per_epoch, count, of)
        return Horizon(count, per_epoch, min(count * per_epoch, horizon.total_steps), of)

    def _composed(self, optimizer: TorchOptimizer, built: list[Any]) -> LRScheduler:
        from torch.optim.lr_scheduler import SequentialLR

        return SequentialLR(optimizer, built, list(self.milestones))


def _of_part(failed: CheckFailed, part: Scheduler, place: int) -> CheckFailed:
    at = ("schedulers", place, *((part.name_in_file, *failed.at) if failed.at else ()))
    return CheckFailed(f"{failed.message} (schedulers[{place}])", failed.remedy, at)
