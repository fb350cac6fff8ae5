"""Functions that schedulers name: factors on a learning rate, from the number of the epoch or step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from registry_core.components import Function
from registry_core.components.function import Use
from registry_core.components.types import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

_FACTORS = "registry_builtin.objects.rate_factors"


class ConstantFactor(Function):
    """The same factor for every epoch or step; for ``multiplicative``, or for a group that ``lambda`` leaves as it is.

    The result for n (from 0) is ``factor``.
    """

    target = f"{_FACTORS}:constant_factor"
    use: ClassVar[Use] = "learning rates"

    factor: NonNegativeFloat = Field(default=1.0, description="The factor.")


class PowerDecay(Function):
    """A factor that falls by the same share with every epoch or step.

    The result for n (from 0) is ``base ** n``.
    """

    target = f"{_FACTORS}:power_decay"
    use: ClassVar[Use] = "learning rates"
    example: ClassVar[Mapping[str, Any]] = {"base": 0.95}

    base: Annotated[float, Field(gt=0, le=1)] = Field(description="Factor from one to the next.")


class LinearDecay(Function):
    """A factor of 1 for a while, then along a line to ``end``.

    The result for n (from 0) is 1 up to ``start``, and ``end`` from ``start + length`` on.
    """

    target = f"{_FACTORS}:linear_decay"
    use: ClassVar[Use] = "learning rates"
    example: ClassVar[Mapping[str, Any]] = {"start": 100, "length": 100}

    length: PositiveInt = Field(description="Epochs or steps of the fall.")
    start: NonNegativeInt = Field(default=0, description="Epochs or steps before the fall.")
    end: Annotated[float, Field(ge=0, le=1)] = Field(default=0.0, description="Factor after the fall.")


class InverseSqrt(Function):
    """A factor that rises for ``warmup`` epochs or steps to 1, and falls with the square root of their number.

    The result for n (from 0) is ``min((n + 1) / warmup, sqrt(warmup / (n + 1)))``.
    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, scaled to 1 at its top.
    """

    target = f"{_FACTORS}:inverse_sqrt"
    use: ClassVar[Use] = "learning rates"
    example: ClassVar[Mapping[str, Any]] = {"warmup": 4000}

    warmup: PositiveInt = Field(description="Epochs or steps of the rise.")


class InverseTimeDecay(Function):
    """A factor that falls with a power of the number of the epoch or step.

    The result for n (from 0) is ``(1 + rate * n) ** -power``. Source: Robbins and Monro, "A stochastic approximation
    method", 1951, whose conditions powers above 1/2 and up to 1 meet.
    """

    target = f"{_FACTORS}:inverse_time_decay"
    use: ClassVar[Use] = "learning rates"
    example: ClassVar[Mapping[str, Any]] = {"rate": 0.1}

    rate: PositiveFloat = Field(description="How fast it falls.")
    power: PositiveFloat = Field(default=1.0, description="Exponent of the time.")
