"""Schedulers: how the learning rate changes during a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, Horizon, ParameterError
from registry_core.components.optimizer import Optimizer
from registry_core.components.warmup import Warmup

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

Unit = Literal["epoch", "step", "evaluation"]

UNIT_NAMES: dict[Unit, str] = {"epoch": "epoch", "step": "optimizer step", "evaluation": "evaluation"}


class Replacement(NamedTuple):
    """A parameter of a scheduler that replaces one of the optimizer, and the values at the ends of its course."""

    by: str
    values: tuple[float, ...]


class Scheduler(Component):
    """Sets learning rates; ``counts`` is the unit in which it advances: epoch, optimizer step or evaluation.

    A pipeline may change the unit with ``by``, unless it is evaluations: then the scheduler receives the metric that
    its parameter ``monitor`` names. The core reads both parameters here and does not pass them to the target. A
    parameter ``by`` or ``warmup`` that the component declares itself belongs to the component.
    """

    kind: ClassVar[str] = "scheduler"
    counts: ClassVar[Unit] = "epoch"
    """The unit unless ``by`` sets another; ``get_unit()`` reads both."""
    leading_arguments: ClassVar[int] = 1
    function_leading_arguments: ClassVar[int] = 1
    per_group: ClassVar[tuple[str, ...]] = ()
    """Parameters that are one value for all parameter groups, or a list with one for each."""
    stands_alone: ClassVar[str] = ""
    """The reason why it cannot be part of another schedule, if there is one."""
    old_spellings: ClassVar[Mapping[str, str]] = {
        "verbose": "nothing in its place: `registry-core plan FILE --build` shows the rates",
        "last_epoch": "nothing in its place: a resumed run goes on where it stopped",
    }

    by: Literal["epoch", "step"] | None = Field(
        default=None, description="Unit in which it and its parameters count; null: the one in its description."
    )
    warmup: Warmup | None = Field(
        default=None,
        description="A linear rise before it begins: `500 steps`, `1 epoch`, or {length: 1 epoch, start: 0.01}.",
    )

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    @model_validator(mode="after")
    def _evaluations_are_not_told(self) -> Self:
        if self.counts == "evaluation" and self.unit_is_set():
            raise ParameterError("it counts evaluations", "Leave out `by`, and set train.evaluate_every instead")
        return self

    def get_unit(self) -> Unit:
        """Its unit: ``by`` if it is set, else the declared one."""
        return self.by if self.by is not None and self.unit_is_set() else self.counts

    def unit_is_set(self) -> bool:
        """True if the pipeline sets the unit with ``by``."""
        return self._is_common("by") and self.by is not None

    def length_in_units(self, horizon: Horizon) -> int:
        """The length of a run in its unit."""
        return horizon.count(self.get_unit())

    def in_units(self, count: int | None = None) -> str:
        """A count of its unit in words: ``3 epochs``, or ``epochs`` alone."""
        name = UNIT_NAMES[self.get_unit()]
        return f"{name}s" if count is None else f"{count} {name}{'' if count == 1 else 's'}"

    def unfit(self, what: str, horizon: Horizon, remedy: str, at: str) -> CheckFailed:
        """The problem of a schedule that does not fit a run, probably because its unit was mistaken for another."""
        other = {"epoch": "optimizer steps", "step": "epochs", "evaluation": "epochs"}[self.get_unit()]
        return CheckFailed(
            f"The scheduler {self.name!r} {what} and {horizon.of} has {self.in_units(self.length_in_units(horizon))}.",
            f"It counts {self.in_units()}, not {other}: {remedy}.",
            at=(at,),
        )

    def too_long(self, horizon: Horizon, parameter: str, effect: str, remedy: str) -> list[CheckFailed]:
        """The warning of a parameter, a count of its unit, that exceeds the run by more than a quarter; [] if none."""
        value = getattr(self, parameter)
        if value is None or value <= 1.25 * self.length_in_units(horizon):
            return []
        return [self.unfit(f"{effect}: {parameter} is {self.in_units(value)}", horizon, remedy, parameter)]

    def get_warmup(self) -> Warmup | None:
        """The warm-up before it, if there is one."""
        return self.warmup if isinstance(self.warmup, Warmup) else None

    def warmup_steps(self, horizon: Horizon) -> int:
        """The number of optimizer steps of the warm-up before it."""
        rise = self.get_warmup()
        return rise.length.steps(horizon.steps_per_epoch) if rise else 0

    def horizon_after_warmup(self, horizon: Horizon) -> Horizon:
        """The part of a run of this length that follows the warm-up: at least one step, even if nothing is left.

        The epoch in which the warm-up ends is the schedule's first.
        """
        steps = self.warmup_steps(horizon)
        if not steps:
            return horizon
        epochs = max(horizon.epochs - steps // horizon.steps_per_epoch, 1)
        return Horizon(
            epochs, horizon.steps_per_epoch, max(horizon.total_steps - steps, 1), "the run after its warm-up"
        )

    def depends_on_length(self) -> bool:
        """True if its course depends on the length of the run, so that a resumed run cannot be made longer.

        Such a schedule ends with the last step of the run and does not advance after it.
        """
        return False

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float | None:
        """The rate of a group with the initial rate ``lr`` in a unit (from 0) of a run of this length.

        The run begins after the warm-up. None: the declaration does not know it, and its course is not checked.
        """
        return None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the schedule cannot be built for a run of this length, which begins after the warm-up.

        A schedule that can be built but does not fit is for ``warnings``: a short trial of a pipeline has to run.
        """

    def replaces(self) -> Mapping[str, Replacement]:
        """The parameters of the optimizer that it replaces with its own, so that they have no effect."""
        return {}

    def overrides_group_rates(self) -> bool:
        """True if it sets the same rate for all parameter groups, whatever their own rates are."""
        return False

    def check_optimizer(self, optimizer: Optimizer, groups: int | None) -> None:
        """Raise CheckFailed if the schedule does not fit the optimizer, with ``groups`` parameter groups in the file.

        One more group holds the parameters that the file assigns to none; ``groups`` is None if groups are split, so
        that their number is not known before the model is built.
        """
        if groups is None:
            return
        possible = (groups, groups + 1) if groups else (1,)
        for parameter in self.per_group:
            value = getattr(self, parameter)
            if isinstance(value, tuple) and len(value) not in possible:
                raise self._wrong_count(parameter, len(value), " or ".join(map(str, possible)))

    def is_argument(self, field: str) -> bool:
        """True if a field is passed to the target, and is none that the core reads."""
        return not self._is_common(field)

    def make(self, *leading: Any) -> Any:
        """Import the target and call it with the optimizer and the parameters."""
        count = len(leading[0].param_groups) if leading else 0
        for parameter in self.per_group:
            value = getattr(self, parameter)
            if isinstance(value, tuple) and len(value) != count:
                raise self._wrong_count(parameter, len(value), str(count))
        return super().make(*leading)

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer for a run of this length, which begins after the warm-up."""
        built: LRScheduler | ReduceLROnPlateau = self.make(optimizer)
        return built

    def _wrong_count(self, parameter: str, found: int, expected: str) -> CheckFailed:
        return CheckFailed(
            f"{parameter} of the scheduler {self.name!r} has {found} value{'' if found == 1 else 's'}, "
            f"but the optimizer has {expected} parameter group{'' if expected == '1' else 's'}.",
            "Write one value for all groups, or a list with one for each, in the order of "
            "`registry-core plan FILE --build`: first the parameters in no group of the file, then its groups.",
            at=(parameter,),
        )

    def _is_common(self, name: str) -> bool:
        """True if a parameter is that of this class, not one that the component declares under the same name."""
        common, own = Scheduler.model_fields.get(name), type(self).model_fields.get(name)
        return common is not None and own is not None and own.description == common.description
