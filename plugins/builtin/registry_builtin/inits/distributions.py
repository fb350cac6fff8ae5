"""Init schemes that draw from a distribution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import Init
from registry_core.components.types import NonNegativeFloat, PositiveFloat


class Normal(Init):
    """Normal values of a given mean and standard deviation.

    Fits tensors of any shape. Source: ``torch.nn.init.normal_``.
    """

    target = "torch.nn.init:normal_"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.01}

    mean: float = Field(default=0.0, description="Mean of the values.")
    std: NonNegativeFloat = Field(default=1.0, description="Standard deviation of the values.")


class Uniform(Init):
    """Even values from ``a`` to ``b``.

    Fits tensors of any shape. Source: ``torch.nn.init.uniform_``.
    """

    target = "torch.nn.init:uniform_"
    example: ClassVar[Mapping[str, Any]] = {"a": -0.1, "b": 0.1}

    a: float = Field(default=0.0, description="Smallest value.")
    b: float = Field(default=1.0, description="Largest value, not less than a.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.a > self.b:
            raise ValueError(f"expected a range from a to b, but a is {self.a} and b is {self.b}: exchange them")
        return self


class TruncNormal(Init):
    """Normal values, those outside of a range drawn again.

    ``a`` and ``b`` are values, not multiples of ``std``. The mean lies at most 2 ``std`` outside of the range. Fits
    tensors of any shape. Source: ``torch.nn.init.trunc_normal_``.
    """

    target = "torch.nn.init:trunc_normal_"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.02, "a": -0.04, "b": 0.04}

    mean: float = Field(default=0.0, description="Mean of the values before they are cut.")
    std: PositiveFloat = Field(default=1.0, description="Standard deviation of the values before they are cut.")
    a: float = Field(default=-2.0, description="Smallest value.")
    b: float = Field(default=2.0, description="Largest value, more than a.")

    @model_validator(mode="after")
    def _range_is_met(self) -> Self:
        if self.a >= self.b:
            raise ValueError(f"expected a range from a to b, but a is {self.a} and b is {self.b}: write a below b")
        if not self.a - 2 * self.std <= self.mean <= self.b + 2 * self.std:
            raise ValueError(
                f"the mean {self.mean} is more than 2 std outside of {self.a} to {self.b}, where such values are "
                "almost never drawn: move the range or the mean"
            )
        return self
