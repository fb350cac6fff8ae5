"""Schedules that go up and down, with the momentum the other way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from registry_core.components import CheckFailed, Function, Horizon, Optimizer, Scheduler, used_for
from registry_core.components.scheduler import Unit
from registry_core.components.types import NonNegativeFloat, OneOrList, PositiveFloat, PositiveInt, Probability

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

_OWN_RATES = "it replaces the optimizer's learning rates by its own"


class _CyclesMomentum(Scheduler):
    """What ``cyclic`` and ``one_cycle`` have in common: rates of their own, and momentum against them."""

    counts: ClassVar[Unit] = "step"
    stands_alone: ClassVar[str] = _OWN_RATES

    if TYPE_CHECKING:  # the fields are those of each, at their places among the others
        cycle_momentum: bool
        max_lr: OneOrList[PositiveFloat]

    def overrides_group_rates(self) -> bool:
        """Whether there is one highest rate for all groups."""
        return not isinstance(self.max_lr, tuple)

    def check_optimizer(self, optimizer: Optimizer, groups: int | None) -> None:
        """Raise CheckFailed if there is no momentum to cycle, or a list has not one value for each group."""
        super().check_optimizer(optimizer, groups)
        # Other optimizers may have a momentum under another name: those are asked when they are built.
        if optimizer.target.startswith("torch.optim") and not {"momentum", "betas"} & set(type(optimizer).model_fields):
            self._refuse_momentum(optimizer.name)
        if self.cycle_momentum and "betas" in type(optimizer).model_fields:
            for name in ("base_momentum", "max_momentum"):
                if max(_each(getattr(self, name))) >= 1:
                    message = f"{name} replaces the first of the betas of {optimizer.name!r}, which is below 1."
                    raise CheckFailed(message, f"Set {name} below 1.", at=(name,))

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer."""
        if not {"momentum", "betas"} & set(optimizer.defaults):
            self._refuse_momentum(type(optimizer).__name__)
        return super().build(optimizer, horizon)

    def _refuse_momentum(self, optimizer: str) -> None:
        if self.cycle_momentum:
            raise CheckFailed(
                f"The scheduler {self.name!r} cannot cycle the momentum of {optimizer}, which has none.",
                "Set cycle_momentum to false.",
            )


class Cyclic(_CyclesMomentum):
    """Raise and lower the learning rate between ``base_lr`` and ``max_lr`` along triangles; counts optimizer steps.

    The optimizer's own learning rates are not used. The height of the triangles stays (``triangular``), halves with
    each (``triangular2``), shrinks with ``gamma ** step`` (``exp_range``), or is what the registered function
    ``scale_fn`` says, of the cycle (from 1) or of the step (from 0). With ``cycle_momentum`` the momentum (or the first
    beta) goes the other way, replacing the optimizer's own. Source: Smith, "Cyclical learning rates for training neural
    networks", WACV 2017; ``torch.optim.lr_scheduler.CyclicLR``.
    """

    target = "torch.optim.lr_scheduler:CyclicLR"
    per_group: ClassVar[tuple[str, ...]] = ("base_lr", "max_lr", "base_momentum", "max_momentum")
    example: ClassVar[Mapping[str, Any]] = {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 400}

    base_lr: OneOrList[NonNegativeFloat] = Field(
        description="The lowest learning rate, or that of each parameter group."
    )
    max_lr: OneOrList[PositiveFloat] = Field(description="The highest learning rate, or that of each parameter group.")
    step_size_up: PositiveInt = Field(default=2000, description="Steps of a rise.")
    step_size_down: PositiveInt | None = Field(default=None, description="Steps of a fall; null for those of a rise.")
    mode: Literal["triangular", "triangular2", "exp_range"] = Field(
        default="triangular", description="How the height of the triangles changes."
    )
    gamma: PositiveFloat = Field(default=1.0, description="Factor on the height with each step, in mode exp_range.")
    scale_fn: Function | None = Field(default=None, description="Factor on the height, in place of mode.")
    scale_mode: Literal["cycle", "iterations"] = Field(
        default="cycle", description="What scale_fn is given: the number of the cycle, or of the step."
    )
    cycle_momentum: bool = Field(default=True, description="Whether momentum moves against the learning rate.")
    base_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.8, description="Momentum at the highest learning rate, or that of each parameter group."
    )
    max_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.9, description="Momentum at the lowest learning rate, or that of each parameter group."
    )

    @field_validator("scale_fn")
    @classmethod
    def _is_for_rates(cls, function: Function | None) -> Function | None:
        used_for("learning rates", "power_decay", function)
        return function

    @model_validator(mode="after")
    def _rises(self) -> Self:
        pairs = [(_each(self.base_lr), _each(self.max_lr), "base_lr", "max_lr")]
        pairs.append((_each(self.base_momentum), _each(self.max_momentum), "base_momentum", "max_momentum"))
        for low, high, low_name, high_name in pairs:
            several = max(len(low), len(high))
            low, high = low * (several if len(low) == 1 else 1), high * (several if len(high) == 1 else 1)
            if any(a > b for a, b in zip(low, high, strict=False)):
                raise ValueError(f"{low_name} must not be above {high_name}; exchange them")
        return self

    def overrides_group_rates(self) -> bool:
        """Whether there is one lowest and one highest rate for all groups."""
        return super().overrides_group_rates() and not isinstance(self.base_lr, tuple)

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the first rise is much longer than the run."""
        self.refuse_longer(horizon, "step_size_up", "set step_size_up below the length of the run")

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: ``scale_fn`` built."""
        return {**super().arguments(), "scale_fn": self.scale_fn.build() if self.scale_fn else None}


class OneCycle(_CyclesMomentum):
    """Raise the learning rate to ``max_lr``, then lower it to nearly nothing; counts optimizer steps.

    It starts at ``max_lr / div_factor`` and ends at ``max_lr / (div_factor * final_div_factor)``. The optimizer's own
    learning rate, also that of a parameter group, is not used. With ``cycle_momentum`` the momentum (or the first beta)
    goes the other way, replacing the optimizer's own, even if that is 0. Source: Smith and Topin, "Super-convergence",
    2018; ``torch.optim.lr_scheduler.OneCycleLR``.
    """

    target = "torch.optim.lr_scheduler:OneCycleLR"
    per_group: ClassVar[tuple[str, ...]] = ("max_lr", "base_momentum", "max_momentum")
    example: ClassVar[Mapping[str, Any]] = {"max_lr": 0.4, "pct_start": 0.2}

    max_lr: OneOrList[PositiveFloat] = Field(description="The highest learning rate, or that of each parameter group.")
    total_steps: PositiveInt | None = Field(default=None, description="Steps of the cycle; null for the whole run.")
    pct_start: Probability = Field(default=0.3, description="Share of the steps in which the learning rate rises.")
    anneal_strategy: Literal["cos", "linear"] = Field(default="cos", description="Shape of rise and fall.")
    cycle_momentum: bool = Field(default=True, description="Whether momentum moves against the learning rate.")
    base_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.85, description="Momentum at the highest learning rate, or that of each parameter group."
    )
    max_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.95, description="Momentum at start and end, or that of each parameter group."
    )
    div_factor: PositiveFloat = Field(default=25.0, description="max_lr divided by the first learning rate.")
    final_div_factor: PositiveFloat = Field(default=1e4, description="First learning rate divided by the last.")
    three_phase: bool = Field(default=False, description="Fall to the first rate at the pace of the rise, then on.")

    def depends_on_length(self) -> bool:
        """Whether it ends with the run."""
        return self.total_steps is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the cycle is shorter than the run, or has a phase of no steps."""
        total = self.total_steps or self.length_in_units(horizon)
        if total < self.length_in_units(horizon):
            raise CheckFailed(
                f"The scheduler {self.name!r} ends before the run: "
                f"total_steps is {total} and {horizon.of} has {self.in_units(self.length_in_units(horizon))}.",
                "Leave total_steps out, and it takes the whole run.",
                at=("total_steps",),
            )
        # torch divides by the length of a phase, whose ends it computes like this.
        rise_end = self.pct_start * total - 1
        last_start = 2 * self.pct_start * total - 2 if self.three_phase else rise_end
        if rise_end == 0 or last_start == total - 1:
            phases = " in three phases" if self.three_phase else ""
            raise CheckFailed(
                f"The scheduler {self.name!r} has a phase of no {self.in_units()}: "
                f"pct_start is {self.pct_start} of {self.in_units(total)}{phases}.",
                "Change pct_start a little.",
                at=("pct_start",),
            )

    def warnings(self, horizon: Horizon, optimizer: Optimizer) -> Sequence[CheckFailed]:
        """A cycle that is not over with the run."""
        if self.total_steps is None or self.total_steps <= self.length_in_units(horizon):
            return ()
        what = f"is not over with the run: total_steps is {self.total_steps}"
        return (self.unfit(what, horizon, "leave total_steps out, and it takes the whole run", at="total_steps"),)

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """The scheduler of this optimizer; without ``total_steps``, for the length of the run."""
        filled = self.model_copy(update={"total_steps": self.total_steps or self.length_in_units(horizon)})
        return super(OneCycle, filled).build(optimizer, horizon)


def _each(value: OneOrList[float]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)
