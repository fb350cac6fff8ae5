"""Schedulers: how the learning rate changes during a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

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


class Scheduler(Component):
    """Sets learning rates; ``counts`` says whether it advances by epoch, by optimizer step or by evaluation.

    A pipeline may tell it otherwise with ``by``, unless it counts evaluations: then it is fed the metric that its
    parameter ``monitor`` names. Both parameters here are the core's, and are not passed to the target. Where a
    component has a parameter ``by`` or ``warmup`` of its own, it is the component's.
    """

    kind: ClassVar[str] = "scheduler"
    counts: ClassVar[Unit] = "epoch"
    """What it counts unless ``by`` says otherwise; ``get_unit()`` knows both."""
    leading_arguments: ClassVar[int] = 1
    function_leading_arguments: ClassVar[int] = 1
    per_group: ClassVar[tuple[str, ...]] = ()
    """Parameters that take one value for all parameter groups, or a list with one for each."""
    stands_alone: ClassVar[str] = ""
    """Why it cannot be part of another schedule, if it cannot."""
    old_spellings: ClassVar[Mapping[str, str]] = {
        "verbose": "nothing in its place: `registry-core plan FILE --build` shows the rates",
        "last_epoch": "nothing in its place: a resumed run goes on where it stopped",
    }

    by: Literal["epoch", "step"] | None = Field(
        default=None, description="What it counts, and its parameters with it; null for what its description says."
    )
    warmup: Warmup | None = Field(
        default=None,
        description="A linear rise before it begins: `500 steps`, `1 epoch`, or {length: 1 epoch, start: 0.01}.",
    )

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    @model_validator(mode="after")
    def _evaluations_are_not_told(self) -> Self:
        if self.counts == "evaluation" and self.unit_is_set():
            raise ParameterError("it counts evaluations", "Leave out `by`, and set train.evaluate_every instead")
        return self

    def get_unit(self) -> Unit:
        """What it counts: what ``by`` says, else what it declares."""
        return self.by if self.by is not None and self.unit_is_set() else self.counts

    def unit_is_set(self) -> bool:
        """Whether the pipeline says with ``by`` what it counts."""
        return self._is_common("by") and self.by is not None

    def length_in_units(self, horizon: Horizon) -> int:
        """How many of its units a run has."""
        return horizon.count(self.get_unit())

    def in_units(self, count: int | None = None) -> str:
        """Its unit in words: ``3 epochs``, or ``epochs`` alone."""
        name = UNIT_NAMES[self.get_unit()]
        return f"{name}s" if count is None else f"{count} {name}{'' if count == 1 else 's'}"

    def unfit(self, what: str, horizon: Horizon, remedy: str, at: str) -> CheckFailed:
        """What to raise if it does not fit a run, and its unit may have been mistaken for the other."""
        other = {"epoch": "optimizer steps", "step": "epochs", "evaluation": "epochs"}[self.get_unit()]
        return CheckFailed(
            f"The scheduler {self.name!r} {what} and {horizon.of} has {self.in_units(self.length_in_units(horizon))}.",
            f"It counts {self.in_units()}, not {other}: {remedy}.",
            at=(at,),
        )

    def refuse_longer(self, horizon: Horizon, parameter: str, remedy: str) -> None:
        """Raise CheckFailed if a parameter is so long that it was probably counted in another unit."""
        value = getattr(self, parameter)
        if value is not None and value > 10 * self.length_in_units(horizon):
            what = f"hardly changes the learning rate: {parameter} is {self.in_units(value)}"
            raise self.unfit(what, horizon, remedy, parameter)

    def get_warmup(self) -> Warmup | None:
        """The warm-up before it, if there is one."""
        return self.warmup if isinstance(self.warmup, Warmup) else None

    def warmup_steps(self, horizon: Horizon) -> int:
        """Optimizer steps of the warm-up before it."""
        rise = self.get_warmup()
        return rise.length.steps(horizon.steps_per_epoch) if rise else 0

    def horizon_after_warmup(self, horizon: Horizon) -> Horizon:
        """What a run of this length leaves to the schedule; CheckFailed if that is nothing.

        An epoch in which the warm-up ends is the schedule's first.
        """
        steps = self.warmup_steps(horizon)
        if steps and steps >= horizon.total_steps:
            raise CheckFailed(
                f"The warm-up of the scheduler {self.name!r} takes {steps} optimizer steps, "
                f"and the run has {horizon.total_steps}: it would never begin.",
                "Shorten the warm-up.",
                at=("warmup",),
            )
        epochs = horizon.epochs - (steps // horizon.steps_per_epoch if steps else 0)
        of = "the run after its warm-up" if steps else horizon.of
        return Horizon(epochs, horizon.steps_per_epoch, horizon.total_steps - steps, of)

    def depends_on_length(self) -> bool:
        """Whether its course depends on how long the run is, so that a run cannot be made longer when it is resumed.

        Such a schedule is over with the last step of the run, and is not advanced after it.
        """
        return False

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the schedule does not fit a run of this length, which begins after the warm-up."""

    def overrides_group_rates(self) -> bool:
        """Whether it gives all parameter groups the same rate, whatever theirs are."""
        return False

    def check_optimizer(self, optimizer: Optimizer, groups: int | None) -> None:
        """Raise CheckFailed if the schedule does not fit the optimizer, with ``groups`` parameter groups in the file.

        There is one group more for the parameters that the file puts in none; ``groups`` is None if groups are split,
        so that their number is not known before the model is built.
        """
        if groups is None:
            return
        possible = (groups, groups + 1) if groups else (1,)
        for parameter in self.per_group:
            value = getattr(self, parameter)
            if isinstance(value, tuple) and len(value) not in possible:
                raise self._wrong_count(parameter, len(value), " or ".join(map(str, possible)))

    def arguments(self) -> dict[str, Any]:
        """The parameters as keyword arguments of the target, without those of the core."""
        own = super().arguments()
        return {name: value for name, value in own.items() if not self._is_common(name)}

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
        """Whether a parameter is one of those above, not one that the component has under the same name."""
        common, own = Scheduler.model_fields.get(name), type(self).model_fields.get(name)
        return common is not None and own is not None and own.description == common.description
