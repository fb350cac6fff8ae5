"""Schedulers made of others: of registered functions, or of schedules one after or over the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from registry_builtin.schedulers.rules import Milestones
from registry_core.components import CheckFailed, Function, Horizon, Optimizer, Scheduler, used_for
from registry_core.components.forms import counted
from registry_core.components.scheduler import Unit
from registry_core.components.types import OneOrList

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


class _OfFunctions(Scheduler):
    """What schedulers made of registered functions share."""

    per_group: ClassVar[tuple[str, ...]] = ("lr_lambda",)

    lr_lambda: OneOrList[Function] = Field(
        description="A function, or a list of one for each parameter group: from the number of the epoch to a factor."
    )

    @field_validator("lr_lambda")
    @classmethod
    def _are_for_rates(cls, functions: OneOrList[Function]) -> OneOrList[Function]:
        used_for("learning rates", "power_decay", functions)
        return functions

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: the functions built."""
        return {**super().arguments(), "lr_lambda": _built(self.lr_lambda)}


class Lambda(_OfFunctions):
    """Multiply each group's learning rate by what a registered function gives for the epoch; counts epochs.

    In epoch e (from 0) it is ``lr * lr_lambda(e)``. Source: ``torch.optim.lr_scheduler.LambdaLR``.
    """

    target = "torch.optim.lr_scheduler:LambdaLR"
    example: ClassVar[Mapping[str, Any]] = {"lr_lambda": {"power_decay": {"base": 0.95}}}


class Multiplicative(_OfFunctions):
    """Multiply each group's learning rate, as it is, by what a registered function gives; counts epochs.

    In epoch e (from 0) it is ``lr * lr_lambda(1) * … * lr_lambda(e)``.
    Source: ``torch.optim.lr_scheduler.MultiplicativeLR``.
    """

    target = "torch.optim.lr_scheduler:MultiplicativeLR"
    example: ClassVar[Mapping[str, Any]] = {"lr_lambda": {"constant_factor": {"factor": 0.95}}}


def _built(functions: Function | tuple[Function, ...]) -> Any:
    return [function.build() for function in functions] if isinstance(functions, tuple) else functions.build()


class _Composed(Scheduler):
    """What ``chained`` and ``sequential`` have in common: parts that count the same, and begin with the whole."""

    counts: ClassVar[Unit] = "epoch"
    stands_alone: ClassVar[str] = "torch's schedules of schedules do not nest"

    if TYPE_CHECKING:  # the field is that of each, at its place among the others
        schedulers: tuple[Scheduler, ...]

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        for part in self.schedulers:
            if part.stands_alone:
                raise ValueError(
                    f"{part.name!r} cannot be among its schedulers: {part.stands_alone}; let it stand alone"
                )
            if part.get_warmup() is not None:
                raise ValueError(f"the warm-up belongs to the whole; write it there, not at {part.name!r}")
        known = [part for part in self.schedulers if type(part) is not Scheduler]  # others are broken, and said to be
        units = {f"{part.name!r} by {self._unit_of(part)}": self._unit_of(part) for part in known}
        if len({*units.values(), *([self.by] if self.by else [])}) > 1:
            whole = f" and the whole by {self.by}" if self.by else ""
            raise ValueError(
                f"its schedulers must count the same, but it has {', '.join(units)}{whole}; give it `by: epoch` or "
                "`by: step`, and it holds for all that do not say otherwise"
            )
        return self

    def _unit_of(self, part: Scheduler) -> Unit:
        """What a part counts: what it says itself, else what is said of the whole, else what it declares."""
        own = part.by if part.unit_is_set() else None
        return own or self.by or part.counts

    def get_unit(self) -> Unit:
        """What it counts: what ``by`` says, else what its parts count."""
        return self._unit_of(self.schedulers[0]) if self.schedulers else self.counts

    def parts(self, horizon: Horizon) -> list[tuple[Scheduler, Horizon]]:
        """Its schedulers, counting what it counts, each with the length of its time."""
        raise NotImplementedError

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if one of the schedulers does not fit its time."""
        for place, (part, time) in enumerate(self.parts(horizon)):
            try:
                part.check(time)
            except CheckFailed as failed:
                raise _of_part(failed, part, place) from None

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """The doubts of all schedulers, each in its time."""
        return [
            _of_part(failed, part, place)
            for place, (part, time) in enumerate(self.parts(horizon))
            for failed in part.warnings(time, optimizer)
        ]

    def check_optimizer(self, optimizer: Optimizer, groups: int | None) -> None:
        """Raise CheckFailed if one of the schedulers does not fit the optimizer."""
        for place, part in enumerate(self.schedulers):
            try:
                part.check_optimizer(optimizer, groups)
            except CheckFailed as failed:
                raise _of_part(failed, part, place) from None

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer, with its parts built in their order."""
        built = [part.build(optimizer, time) for part, time in self.parts(horizon)]
        return self._composed(optimizer, built)

    def _composed(self, optimizer: TorchOptimizer, built: list[Any]) -> LRScheduler:
        raise NotImplementedError

    def _counting(self, part: Scheduler) -> Scheduler:
        unit = self._unit_of(part)
        return part if part.get_unit() == unit else part.model_copy(update={"by": unit})


class Chained(_Composed):
    """Apply several schedulers at once, their factors multiplied; counts what they count: epochs or optimizer steps.

    Only those that change the rate as they find it work together as one expects: ``step``, ``exponential``,
    ``constant`` and their like do; ``lambda`` and ``cosine_annealing_warm_restarts`` set the rate anew.
    Source: ``torch.optim.lr_scheduler.ChainedScheduler``.
    """

    target = "torch.optim.lr_scheduler:ChainedScheduler"
    example: ClassVar[Mapping[str, Any]] = {
        "schedulers": [{"constant": {"factor": 0.1, "total_iters": 2}}, {"exponential": {"gamma": 0.9}}]
    }

    schedulers: Annotated[tuple[Scheduler, ...], Field(min_length=1)] = Field(
        description="Schedulers that count the same."
    )

    def depends_on_length(self) -> bool:
        """Whether one of them ends with the run."""
        return any(part.depends_on_length() for part in self.schedulers)

    def parts(self, horizon: Horizon) -> list[tuple[Scheduler, Horizon]]:
        """Its schedulers, each for the whole time."""
        return [(self._counting(part), horizon) for part in self.schedulers]

    def _composed(self, optimizer: TorchOptimizer, built: list[Any]) -> LRScheduler:
        from torch.optim.lr_scheduler import ChainedScheduler

        return ChainedScheduler(built, optimizer=optimizer)


class Sequential(_Composed):
    """Follow one scheduler after the other, from ``milestones`` on; counts what they count: epochs or optimizer steps.

    Each begins at its own beginning with the optimizer's learning rates (``multiplicative`` with those it finds); one
    that takes the whole run takes its own part of it here. For a rise before another schedule, there is ``warmup``.
    Source: ``torch.optim.lr_scheduler.SequentialLR``.
    """

    target = "torch.optim.lr_scheduler:SequentialLR"
    example: ClassVar[Mapping[str, Any]] = {
        "schedulers": [{"constant": {"factor": 0.1, "total_iters": 5}}, "cosine_annealing"],
        "milestones": [5],
    }

    schedulers: Annotated[tuple[Scheduler, ...], Field(min_length=1)] = Field(
        description="Schedulers that count the same, in their order."
    )
    milestones: Milestones = Field(description="Epochs (from 0) with which the second begins, the third, and so on.")

    @model_validator(mode="after")
    def _one_change_between_two(self) -> Self:
        if len(self.milestones) != len(self.schedulers) - 1:
            raise ValueError(
                f"between {counted(len(self.schedulers), 'scheduler')} there are {len(self.schedulers) - 1} changes, "
                f"and there are {counted(len(self.milestones), 'milestone')}; write one for each change"
            )
        return self

    def depends_on_length(self) -> bool:
        """Whether the last of them ends with the run; the times of the others are given."""
        return self.schedulers[-1].depends_on_length()

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the last milestone, or a scheduler does not fit its time."""
        if self.milestones[-1] >= self.length_in_units(horizon):
            raise self.unfit(
                f"never comes to its last part: it begins with {self.get_unit()} {self.milestones[-1]}",
                horizon,
                "set milestones within the run",
                at="milestones",
            )
        super().check(horizon)

    def parts(self, horizon: Horizon) -> list[tuple[Scheduler, Horizon]]:
        """Its schedulers, each for its time."""
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
