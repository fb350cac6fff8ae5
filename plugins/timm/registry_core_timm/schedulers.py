"""Schedulers of timm, with the same learning rates as in timm in every epoch or optimizer step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from annotated_types import Ge, Gt, Lt
from pydantic import AfterValidator, Field, model_validator

from registry_core.components import CheckFailed, Horizon, ParameterError, RunFacts, Scheduler
from registry_core.components.target import load_target
from registry_core.components.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from registry_core_timm.tables import NEEDS, read

if TYPE_CHECKING:
    from torch.optim import Optimizer as TorchOptimizer
    from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

AtLeastOne = Annotated[float, Ge(1)]
InnerShare = Annotated[float, Gt(0), Lt(1)]


def _increasing(milestones: tuple[int, ...]) -> tuple[int, ...]:
    if not milestones or any(later <= earlier for earlier, later in pairwise(milestones)):
        raise ParameterError(f"expected one or more milestones in increasing order, not {list(milestones)}")
    return milestones


Milestones = Annotated[tuple[PositiveInt, ...], AfterValidator(_increasing)]

_T_INITIAL = (
    "Epochs from the first learning rate to the last; null for the whole run (after warmup_t, with warmup_prefix)."
)
_DECAY_RATE = "Multiplier of the learning rate at each change."


class TimmScheduler(Scheduler):
    """Base class of all timm schedulers, with the warm-up and the noise of timm."""

    target: ClassVar[str] = "registry_core_timm.objects.schedulers:TimmLR"
    requirements: ClassVar[dict[str, str]] = NEEDS
    timm_class: ClassVar[str]

    warmup_t: NonNegativeInt = Field(
        default=0, description="Epochs of the warm-up of timm; `warmup` of registry-core rises step by step instead."
    )
    warmup_lr_init: NonNegativeFloat = Field(
        default=0.0, description="Learning rate of all groups at the start of the warm-up of timm."
    )
    noise_range_t: tuple[NonNegativeInt, NonNegativeInt] | NonNegativeInt | None = Field(
        default=None, description="Epochs with noise: the first one, or [first, end); null for none."
    )
    noise_pct: PositiveFloat = Field(
        default=0.67, description="Upper bound of the noise, as a fraction of the learning rate."
    )
    noise_std: NonNegativeFloat = Field(
        default=1.0, description="Standard deviation of the noise, as a fraction of the learning rate."
    )
    noise_seed: int = Field(default=42, description="Seed of the noise; independent of the seed of the run.")

    @model_validator(mode="after")
    def _one_warm_up(self) -> Self:
        if self.warmup_t and self.get_warmup() is not None:
            raise ParameterError("`warmup_t` and warmup are alternative warm-ups", "Set only one of them")
        return self

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Return the warning of ``fit``, if there is one."""
        try:
            if facts.horizon is not None:
                self.fit(facts.horizon)
        except CheckFailed as unfit:
            return (unfit,)
        return ()

    def fit(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the warm-up of timm."""
        if self.warmup_t and self.warmup_t >= self.length_in_units(horizon):
            raise self.unfit(
                f"never leaves its warm-up: warmup_t is {self.in_units(self.warmup_t)}",
                horizon,
                f"set warmup_t below the number of {self.in_units()}",
                at="warmup_t",
            )

    def call(self, horizon: Horizon) -> dict[str, Any]:
        """Return the arguments of the timm class for a run of this length."""
        return super().arguments()

    def build(self, optimizer: TorchOptimizer, horizon: Horizon) -> LRScheduler | ReduceLROnPlateau:
        """Return the scheduler of this optimizer, with the learning rates of timm."""
        if self.warmup_t and len({float(group["lr"]) for group in optimizer.param_groups}) > 1:
            raise CheckFailed(
                f"The warm-up of the scheduler {self.name!r} starts all parameter groups with the same learning rate, "
                "but the groups have different rates.",
                f"Write `warmup: {self.in_units(self.warmup_t).replace('optimizer ', '')}` instead of warmup_t.",
                at=("warmup_t",),
            )
        unit: Literal["epoch", "step"] = "step" if self.get_unit() == "step" else "epoch"
        options = {**self.call(horizon), "t_in_epochs": unit == "epoch"}
        built: LRScheduler = load_target(self.target)(optimizer, self.timm_class, options, read("models")["timm"])
        return built


class _InCycles(TimmScheduler):
    """Base class of schedulers that decay to ``lr_min``, in cycles that may become longer and start lower."""

    t_initial: PositiveInt | None = Field(default=None, description=_T_INITIAL)
    lr_min: NonNegativeFloat = Field(default=0.0, description="Learning rate at the end of each cycle.")
    cycle_mul: AtLeastOne = Field(default=1.0, description="Multiplier of the length from cycle to cycle.")
    cycle_decay: PositiveFloat = Field(default=1.0, description="Multiplier of the first rate from cycle to cycle.")
    cycle_limit: PositiveInt = Field(default=1, description="Number of cycles; after them, the rate stays at lr_min.")
    warmup_prefix: bool = Field(default=False, description="Whether t_initial is counted from the end of the warm-up.")

    @model_validator(mode="after")
    def _cycles_have_a_length(self) -> Self:
        if self.t_initial is None and self.cycle_limit > 1:
            raise ParameterError(
                f"with {self.cycle_limit} cycles, the length of the first one is required", "Set t_initial"
            )
        if self.cycle_mul != 1 and getattr(self, "k_decay", 1.0) != 1:
            raise ParameterError("`k_decay` of timm requires cycles of equal length", "Set cycle_mul or k_decay to 1")
        return self

    def depends_on_length(self) -> bool:
        """Return True if the schedule ends with the run."""
        return self.t_initial is None

    def fit(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the warm-up, or t_initial is probably in another unit."""
        super().fit(horizon)
        for unfit in self.too_long(horizon, "t_initial", "does not reach its last rate", "set it to null"):
            raise unfit

    def call(self, horizon: Horizon) -> dict[str, Any]:
        """Return the arguments of the timm class, with the length of the run as the default."""
        length = self.length_in_units(horizon) - (self.warmup_t if self.warmup_prefix else 0)
        return {**super().call(horizon), "t_initial": self.t_initial or max(length, 1)}


class Cosine(_InCycles):
    """Decay the learning rate along half a cosine wave, once or in cycles; counts epochs.

    In epoch t (from 0) of T, it is ``lr_min + (lr - lr_min) * (1 + cos(pi * (t / T) ** k_decay)) / 2``.
    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017; k-decay: Zhang and
    Li, arXiv:2004.05909, 2020; ``timm.scheduler.CosineLRScheduler``.
    """

    timm_class: ClassVar[str] = "CosineLRScheduler"
    example: ClassVar[Mapping[str, Any]] = {"lr_min": 1e-5, "warmup": "1 epoch"}

    k_decay: PositiveFloat = Field(default=1.0, description="Above 1, the rate stays high for longer.")


class Tanh(_InCycles):
    """Decay the learning rate along a hyperbolic tangent, once or in cycles; counts epochs.

    In epoch t (from 0) of T, it is ``lr_min + (lr - lr_min) * (1 - tanh(lb * (1 - t / T) + ub * t / T)) / 2``.
    Source: Hsueh et al., "Stochastic gradient descent with hyperbolic-tangent decay on classification", WACV 2019;
    ``timm.scheduler.TanhLRScheduler``.
    """

    timm_class: ClassVar[str] = "TanhLRScheduler"
    example: ClassVar[Mapping[str, Any]] = {"lr_min": 1e-5}

    lb: float = Field(default=-7.0, description="Position on the curve at which a cycle starts.")
    ub: float = Field(default=3.0, description="Position on the curve at which a cycle ends.")

    @model_validator(mode="after")
    def _falls(self) -> Self:
        if self.lb >= self.ub:
            raise ParameterError(
                f"`lb` must be less than ub, but lb is {self.lb} and ub is {self.ub}", "Change one of them"
            )
        return self


class Poly(_InCycles):
    """Decay the learning rate as a power of the remaining time, once or in cycles; counts epochs.

    In epoch t (from 0) of T, it is ``lr_min + (lr - lr_min) * (1 - (t / T) ** k_decay) ** power``.
    Source: ``timm.scheduler.PolyLRScheduler``; k-decay: Zhang and Li, arXiv:2004.05909, 2020.
    """

    timm_class: ClassVar[str] = "PolyLRScheduler"
    example: ClassVar[Mapping[str, Any]] = {"power": 1.0}

    power: PositiveFloat = Field(
        default=0.5, description="Exponent: 1 decays linearly, larger values decay faster at first."
    )
    k_decay: PositiveFloat = Field(default=1.0, description="Above 1, the rate stays high for longer.")

    @model_validator(mode="after")
    def _cycles_fit_powers(self) -> Self:
        if self.cycle_mul != 1 and self.power != 1:
            raise ParameterError("`power` of timm requires cycles of equal length", "Set cycle_mul or power to 1")
        return self


class Step(TimmScheduler):
    """Multiply the learning rate by ``decay_rate`` every ``decay_t`` epochs; counts epochs.

    In epoch t (from 0), it is ``lr * decay_rate ** (t // decay_t)``. Source: ``timm.scheduler.StepLRScheduler``.
    """

    timm_class: ClassVar[str] = "StepLRScheduler"
    example: ClassVar[Mapping[str, Any]] = {"decay_t": 30, "decay_rate": 0.1}

    decay_t: PositiveFloat = Field(description="Epochs between two changes; need not be an integer.")
    decay_rate: PositiveFloat = Field(default=1.0, description=_DECAY_RATE)
    warmup_prefix: bool = Field(default=True, description="Whether changes are counted from the end of the warm-up.")

    def fit(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the warm-up or the first change."""
        super().fit(horizon)
        if self.decay_t + (self.warmup_t if self.warmup_prefix else 0) >= self.length_in_units(horizon):
            raise self.unfit(
                f"never changes the learning rate: decay_t is {self.decay_t:g} {self.in_units()}",
                horizon,
                f"set decay_t below the number of {self.in_units()}, or omit the scheduler",
                at="decay_t",
            )


class MultiStep(TimmScheduler):
    """Multiply the learning rate by ``decay_rate`` at each of several epochs; counts epochs.

    In epoch t (from 0), it is ``lr * decay_rate ** n``, where n values of ``decay_t`` are at most t + 1: as usual in
    timm, a change occurs one epoch earlier than with ``multi_step``. The first epoch always has ``lr``.
    Source: ``timm.scheduler.MultiStepLRScheduler``.
    """

    timm_class: ClassVar[str] = "MultiStepLRScheduler"
    example: ClassVar[Mapping[str, Any]] = {"decay_t": [30, 60, 80], "decay_rate": 0.1}

    decay_t: Milestones = Field(description="Epochs (from 1) that start with a change, in increasing order.")
    decay_rate: PositiveFloat = Field(default=1.0, description=_DECAY_RATE)
    warmup_prefix: bool = Field(default=True, description="Whether changes are counted from the end of the warm-up.")

    def fit(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run ends before the warm-up or the first change."""
        super().fit(horizon)
        if self.decay_t[0] + (self.warmup_t if self.warmup_prefix else 0) > self.length_in_units(horizon):
            first = f"{self.get_unit()} {self.decay_t[0]} (from 1)"
            raise self.unfit(
                f"never changes the learning rate: its first change is {first}",
                horizon,
                "set decay_t within the run, or omit the scheduler",
                at="decay_t",
            )

    def call(self, horizon: Horizon) -> dict[str, Any]:
        """Return the arguments of the timm class, which expects a list."""
        return {**super().call(horizon), "decay_t": list(self.decay_t)}


class WSD(TimmScheduler):
    """Keep the learning rate constant or decay it slowly, and cool it down at the end; counts epochs.

    ``t_initial`` epochs follow the warm-up, the last ``decay_t`` of which cool down to ``lr_min``; counting steps makes
    the cool-down smoother. Source: Hu et al., "MiniCPM", COLM 2024; Hägele et al., "Scaling laws and compute-optimal
    training beyond fixed training durations", NeurIPS 2024; ``timm.scheduler.WSDLRScheduler`` of newer versions of
    timm.
    """

    timm_class: ClassVar[str] = "WSDLRScheduler"
    example: ClassVar[Mapping[str, Any]] = {"by": "step", "decay_t": 200}

    t_initial: PositiveInt | None = Field(
        default=None, description="Epochs after the warm-up; null for the rest of the run after warmup_t."
    )
    decay_t: PositiveInt = Field(description="Epochs of the cool-down, at the end of t_initial.")
    lr_min: NonNegativeFloat = Field(default=0.0, description="Learning rate after the cool-down.")
    stable_fn: Literal["constant", "rsqrt", "power"] = Field(
        default="constant", description="Course before the cool-down: constant, or decaying as a power of time."
    )
    stable_timescale: PositiveFloat | None = Field(
        default=None, description="Time scale in epochs of a decaying course; null for warmup_t."
    )
    stable_power: PositiveFloat = Field(default=0.5, description="Exponent of the course `power`.")
    decay_fn: Literal["linear", "1-sqrt", "cosine", "power", "exp"] = Field(
        default="1-sqrt", description="Course of the cool-down."
    )
    decay_power: PositiveFloat = Field(default=0.5, description="Exponent of the cool-down `power`.")
    decay_ratio: InnerShare = Field(default=0.1, description="Final value of the curve of the cool-down `exp`.")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.stable_fn != "constant" and self.stable_timescale is None and not self.warmup_t:
            raise ParameterError(
                f"`stable_fn` {self.stable_fn!r} requires stable_timescale or warmup_t", "Set one of them"
            )
        if self.t_initial is not None and self.decay_t > self.t_initial:
            raise ParameterError(
                f"`decay_t` is part of t_initial, but decay_t is {self.decay_t} and t_initial is {self.t_initial}",
                "Set decay_t to t_initial or less",
            )
        return self

    def depends_on_length(self) -> bool:
        """Return True if the schedule ends with the run."""
        return self.t_initial is None

    def fit(self, horizon: Horizon) -> None:
        """Raise CheckFailed if the run is shorter than the warm-up and the cool-down together."""
        super().fit(horizon)
        for unfit in self.too_long(horizon, "t_initial", "does not reach its last rate", "set it to null"):
            raise unfit
        if self.warmup_t + self.decay_t > self.length_in_units(horizon):
            raise self.unfit(
                f"cools down for {self.in_units(self.decay_t)}",
                horizon,
                f"set decay_t and warmup_t so that together they do not exceed the {self.in_units()} of the run",
                at="decay_t",
            )

    def call(self, horizon: Horizon) -> dict[str, Any]:
        """Return the arguments of the timm class, with the length of the run as the default."""
        left = max(self.length_in_units(horizon) - self.warmup_t, self.decay_t)
        return {**super().call(horizon), "t_initial": self.t_initial or left}
