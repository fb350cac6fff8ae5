"""Cyclical schedules of the learning rate, with the momentum cycled inversely."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

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
from registry_core.components.scheduler import Replacement, Unit
from registry_core.components.types import NonNegativeFloat, OneOrList, PositiveFloat, PositiveInt, Probability

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

_OWN_RATES = "it replaces the optimizer's learning rates with its own"


class _CyclesMomentum(Scheduler):
    """Base of ``cyclic`` and ``one_cycle``: own learning rates, and momentum cycled inversely."""

    counts: ClassVar[Unit] = "step"
    stands_alone: ClassVar[str] = _OWN_RATES

    if TYPE_CHECKING:  # each subclass declares the fields, in its own order
        cycle_momentum: bool
        max_lr: OneOrList[PositiveFloat]
        base_momentum: OneOrList[NonNegativeFloat]
        max_momentum: OneOrList[NonNegativeFloat]

    def replaces(self) -> Mapping[str, Replacement]:
        """Return the learning rate and, if they are cycled, the momentum and the first beta."""
        rate = Replacement("max_lr", _each(self.max_lr))
        if not self.cycle_momentum:
            return {"lr": rate}
        momentum = Replacement("max_momentum", (*_each(self.base_momentum), *_each(self.max_momentum)))
        return {"lr": rate, "momentum": momentum, "betas": momentum}

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of momenta that nothing reads."""
        names = [name for name in ("base_momentum", "max_momentum") if name in self.model_fields_set]
        if self.cycle_momentum or not names:
            return ()
        message = f"{names[0]} of the scheduler {self.name!r} has no effect: cycle_momentum is false."
        return (CheckFailed(message, f"Remove {names[0]}, or cycle_momentum.", (names[0],)),)

    def overrides_group_rates(self) -> bool:
        """Return whether all groups share one maximum learning rate."""
        return not isinstance(self.max_lr, tuple)

    def check_optimizer(self, optimizer: Optimizer, groups: int | None) -> None:
        """Raise CheckFailed if there is no momentum to cycle, or a list does not match the groups."""
        super().check_optimizer(optimizer, groups)
        # Other optimizers may name their momentum differently, so they are checked when they are built.
        if optimizer.target.startswith("torch.optim") and not {"momentum", "betas"} & set(type(optimizer).model_fields):
            self._refuse_momentum(optimizer.name)
        if self.cycle_momentum and "betas" in type(optimizer).model_fields:
            for name in ("base_momentum", "max_momentum"):
                if max(_each(getattr(self, name))) >= 1:
                    message = f"{name} replaces the first beta of {optimizer.name!r}, which must be below 1."
                    raise CheckFailed(message, f"Set {name} below 1.", at=(name,))

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the scheduler for this optimizer."""
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
    """Cycle the learning rate linearly between ``base_lr`` and ``max_lr``; counts optimizer steps.

    The optimizer's own learning rates are ignored. The amplitude is constant (``triangular``), halves with each cycle
    (``triangular2``), shrinks with ``gamma ** step`` (``exp_range``), or is scaled by the registered function
    ``scale_fn`` of the cycle (from 1) or of the step (from 0). With ``cycle_momentum``, the momentum (or the first
    beta) is cycled inversely and replaces the optimizer's own. Source: Smith, "Cyclical learning rates for training
    neural networks", WACV 2017; ``torch.optim.lr_scheduler.CyclicLR``.
    """

    target = "torch.optim.lr_scheduler:CyclicLR"
    per_group: ClassVar[tuple[str, ...]] = ("base_lr", "max_lr", "base_momentum", "max_momentum")
    example: ClassVar[Mapping[str, Any]] = {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 400}

    base_lr: OneOrList[NonNegativeFloat] = Field(description="Minimum learning rate, or one per parameter group.")
    max_lr: OneOrList[PositiveFloat] = Field(description="Maximum learning rate, or one per parameter group.")
    step_size_up: PositiveInt = Field(default=2000, description="Number of steps in the increasing half of a cycle.")
    step_size_down: PositiveInt | None = Field(
        default=None, description="Number of steps in the decreasing half of a cycle; null for step_size_up."
    )
    mode: Literal["triangular", "triangular2", "exp_range"] = Field(
        default="triangular", description="Change of the amplitude from cycle to cycle."
    )
    gamma: PositiveFloat = Field(default=1.0, description="Factor of the amplitude per step, in mode exp_range.")
    scale_fn: Function | None = Field(default=None, description="Function that scales the amplitude, instead of mode.")
    scale_mode: Literal["cycle", "iterations"] = Field(
        default="cycle", description="Argument of scale_fn: the cycle number or the step (iterations)."
    )
    cycle_momentum: bool = Field(
        default=True, description="If true, the momentum is cycled inversely to the learning rate."
    )
    base_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.8, description="Momentum at the maximum learning rate, or one per parameter group."
    )
    max_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.9, description="Momentum at the minimum learning rate, or one per parameter group."
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
                raise ParameterError(f"{low_name} must not exceed {high_name}", "Swap them")
        return self

    def overrides_group_rates(self) -> bool:
        """Return whether all groups share one minimum and one maximum learning rate."""
        return super().overrides_group_rates() and not isinstance(self.base_lr, tuple)

    def replaces(self) -> Mapping[str, Replacement]:
        """Return the learning rate and, if they are cycled, the momentum and the first beta."""
        return {**super().replaces(), "lr": Replacement("max_lr", (*_each(self.base_lr), *_each(self.max_lr)))}

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float | None:
        """Return the rate of the first group; None with ``scale_fn``."""
        if self.scale_fn is not None:
            return None
        down = self.step_size_down or self.step_size_up
        cycle, place = divmod(unit, self.step_size_up + down)
        share = place / self.step_size_up if place <= self.step_size_up else 1 - (place - self.step_size_up) / down
        scale = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": self.gamma**unit}[self.mode]
        lowest = _each(self.base_lr)[0]
        return lowest + (_each(self.max_lr)[0] - lowest) * share * scale

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the run ends before the first maximum, and of parameters that nothing reads."""
        found = [*super().warnings(facts), *self._unread()]
        if facts.horizon is not None and self.step_size_up > facts.horizon.total_steps:
            what = f"does not reach max_lr: step_size_up is {self.in_units(self.step_size_up)}"
            remedy = "set step_size_up below the length of the run"
            found.append(self.unfit(what, facts.horizon, remedy, at="step_size_up"))
        return found

    def _unread(self) -> Iterator[CheckFailed]:
        """Yield a warning for each parameter that is set without effect."""
        reasons = {
            "gamma": "mode is not exp_range" if self.mode != "exp_range" else "",
            "mode": "scale_fn replaces it",
            "scale_mode": "there is no scale_fn",
        }
        if self.scale_fn is not None:
            reasons = {"gamma": "scale_fn replaces the mode", "mode": reasons["mode"], "scale_mode": ""}
        else:
            reasons["mode"] = ""
        for name, reason in reasons.items():
            if reason and name in self.model_fields_set:
                message = f"{name} of the scheduler {self.name!r} has no effect: {reason}."
                yield CheckFailed(message, f"Remove {name}.", (name,))

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torch's form, with ``scale_fn`` built."""
        return {**super().arguments(), "scale_fn": self.scale_fn.build() if self.scale_fn else None}


class OneCycle(_CyclesMomentum):
    """Raise the learning rate to ``max_lr``, then decay it to almost zero; counts optimizer steps.

    It starts at ``max_lr / div_factor`` and ends at ``max_lr / (div_factor * final_div_factor)``. The optimizer's own
    learning rates, including those of parameter groups, are ignored. With ``cycle_momentum``, the momentum (or the
    first beta) is cycled inversely and replaces the optimizer's own, even if that is 0. Source: Smith and Topin,
    "Super-convergence", 2018; ``torch.optim.lr_scheduler.OneCycleLR``.
    """

    target = "torch.optim.lr_scheduler:OneCycleLR"
    per_group: ClassVar[tuple[str, ...]] = ("max_lr", "base_momentum", "max_momentum")
    example: ClassVar[Mapping[str, Any]] = {"max_lr": 0.4, "pct_start": 0.2}

    max_lr: OneOrList[PositiveFloat] = Field(description="Maximum learning rate, or one per parameter group.")
    total_steps: PositiveInt | None = Field(
        default=None, description="Number of steps in the cycle; null for the whole run."
    )
    pct_start: Probability = Field(
        default=0.3, description="Fraction of the steps during which the learning rate increases."
    )
    anneal_strategy: Literal["cos", "linear"] = Field(default="cos", description="Shape of the increase and the decay.")
    cycle_momentum: bool = Field(
        default=True, description="If true, the momentum is cycled inversely to the learning rate."
    )
    base_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.85, description="Momentum at the maximum learning rate, or one per parameter group."
    )
    max_momentum: OneOrList[NonNegativeFloat] = Field(
        default=0.95, description="Momentum at the start and the end, or one per parameter group."
    )
    div_factor: PositiveFloat = Field(default=25.0, description="Ratio of max_lr to the initial learning rate.")
    final_div_factor: PositiveFloat = Field(
        default=1e4, description="Ratio of the initial learning rate to the final one."
    )
    three_phase: bool = Field(
        default=False,
        description="If true, decays to the initial learning rate as fast as it rose, then further in a third phase.",
    )

    def depends_on_length(self) -> bool:
        """Return whether the schedule ends with the run."""
        return self.total_steps is None

    def check(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the cycle is shorter than the run, or if one of its phases has no steps."""
        total = self.total_steps or self.length_in_units(horizon)
        if total < self.length_in_units(horizon):
            raise CheckFailed(
                f"The scheduler {self.name!r} ends before the run: "
                f"total_steps is {total}, but {horizon.of} has {self.in_units(self.length_in_units(horizon))}.",
                "Remove total_steps to span the whole run.",
                at=("total_steps",),
            )
        if self.pct_start == 1:
            message = f"The scheduler {self.name!r} never lowers the learning rate: pct_start is 1."
            raise CheckFailed(message, "Set a smaller pct_start, for example 0.3.", at=("pct_start",))

    def rate_at(self, unit: int, lr: float, horizon: Horizon) -> float:
        """Return the rate of the first group in the phase that the step is in."""
        highest, phases, start = _each(self.max_lr)[0], self._phases(horizon), 0.0
        first = highest / self.div_factor
        rates = [first, highest, *([first] if self.three_phase else []), first / self.final_div_factor]
        for number, end in enumerate(phases):
            if unit <= end or number == len(phases) - 1:
                break
            start = end
        share = (unit - start) / (end - start)
        if self.anneal_strategy == "cos":
            share = (1 - math.cos(math.pi * share)) / 2
        return rates[number] + (rates[number + 1] - rates[number]) * share

    def _phases(self, horizon: Horizon) -> list[float]:
        """Return the steps with which the phases end, as torch computes them."""
        total, share = self._total(horizon), self._rising(horizon)
        return [share * total - 1, *([2 * share * total - 2] if self.three_phase else []), total - 1]

    def _rising(self, horizon: Horizon) -> float:
        """Return ``pct_start``, or a little less if a phase had no length: torch divides by the length of each."""
        total, share = self._total(horizon), self.pct_start
        empty = share * total - 1 == 0 or (self.three_phase and 2 * share * total - 2 == total - 1)
        return share * (1 - 1e-12) if empty else share

    def _total(self, horizon: Horizon) -> int:
        return self.total_steps or self.length_in_units(horizon)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the cycle is not complete at the end of the run, and of momenta that nothing reads."""
        found, horizon = [*super().warnings(facts)], facts.horizon
        if self.three_phase and self.pct_start > 0.5:
            message = f"The scheduler {self.name!r} does not reach its third phase: pct_start is {self.pct_start}."
            found.append(CheckFailed(message, "Set pct_start below 0.5.", ("pct_start",)))
        if horizon is None or self.total_steps is None or self.total_steps <= self.length_in_units(horizon):
            return found
        what = f"is not complete at the end of the run: total_steps is {self.total_steps}"
        return [*found, self.unfit(what, horizon, "remove total_steps to span the whole run", at="total_steps")]

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Build the scheduler for this optimizer; without ``total_steps``, for the length of the run."""
        filled = self.model_copy(update={"total_steps": self._total(horizon), "pct_start": self._rising(horizon)})
        return super(OneCycle, filled).build(optimizer, horizon)


def _each(value: OneOrList[float]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)
