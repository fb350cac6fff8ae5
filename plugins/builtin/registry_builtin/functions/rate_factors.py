"""Functions for schedulers: learning rate factors as a function of the epoch or step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from registry_core.components import Function
from registry_core.components.function import Use
from registry_core.components.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

_FACTORS = "registry_builtin.objects.rate_factors"


class RateFactor(Function):
    """Base of these functions, whose values are known before the run."""

    use: ClassVar[Use] = "learning rates"

    def value_at(self, unit: int) -> float:
        """Return the factor in an epoch or step (from 0)."""
        return float(self.build()(unit))


class ConstantFactor(RateFactor):
    """Constant factor; for ``multiplicative``, or for a parameter group that ``lambda`` does not change.

    The value for n (from 0) is ``factor``.
    """

    target = f"{_FACTORS}:constant_factor"

    factor: NonNegativeFloat = Field(default=1.0, description="Value of the factor.")


class PowerDecay(RateFactor):
    """Exponential decay per epoch or step.

    The value for n (from 0) is ``base ** n``.
    """

    target = f"{_FACTORS}:power_decay"
    example: ClassVar[Mapping[str, Any]] = {"base": 0.95}

    base: Annotated[float, Field(gt=0, le=1)] = Field(description="Factor between consecutive epochs or steps.")


class LinearDecay(RateFactor):
    """Constant factor of 1, followed by a linear decay to ``end``.

    The value for n (from 0) is 1 up to ``start``, and ``end`` from ``start + length`` on.
    """

    target = f"{_FACTORS}:linear_decay"
    example: ClassVar[Mapping[str, Any]] = {"start": 100, "length": 100}

    length: PositiveInt = Field(description="Number of epochs or steps of the decay.")
    start: NonNegativeInt = Field(default=0, description="Number of epochs or steps before the decay.")
    end: Annotated[float, Field(ge=0, le=1)] = Field(default=0.0, description="Final factor.")


class InverseSqrt(RateFactor):
    """Linear warm-up to 1 over ``warmup`` epochs or steps, followed by inverse square root decay.

    The value for n (from 0) is ``min((n + 1) / warmup, sqrt(warmup / (n + 1)))``. Source: Vaswani et al., "Attention is
    all you need", NeurIPS 2017, scaled to a maximum of 1.
    """

    target = f"{_FACTORS}:inverse_sqrt"
    example: ClassVar[Mapping[str, Any]] = {"warmup": 4000}

    warmup: PositiveInt = Field(description="Number of epochs or steps of the warm-up.")


class InverseTimeDecay(RateFactor):
    """Decay with a power of the number of epochs or steps.

    The value for n (from 0) is ``(1 + rate * n) ** -power``. Source: Robbins and Monro, "A stochastic approximation
    method", 1951; its conditions hold for powers above 1/2 and up to 1.
    """

    target = f"{_FACTORS}:inverse_time_decay"
    example: ClassVar[Mapping[str, Any]] = {"rate": 0.1}

    rate: PositiveFloat = Field(description="Speed of the decay.")
    power: PositiveFloat = Field(default=1.0, description="Exponent of the decay.")
