"""Initialization from a distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import Init, ParameterError
from registry_core.components.types import NonNegativeFloat, PositiveFloat


class Normal(Init):
    """Fill the tensor with values from a normal distribution.

    Accepts tensors of any shape. Source: ``torch.nn.init.normal_``.
    """

    target = "torch.nn.init:normal_"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.01}

    mean: float = Field(default=0.0, description="Mean of the distribution.")
    std: NonNegativeFloat = Field(default=1.0, description="Standard deviation of the distribution.")

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return the standard deviation."""
        return self.std

    def constant_value(self) -> float | None:
        """Return the mean if the deviation is 0."""
        return None if self.std else self.mean


class Uniform(Init):
    """Fill the tensor with values from the uniform distribution between ``a`` and ``b``.

    Accepts tensors of any shape. Source: ``torch.nn.init.uniform_``.
    """

    target = "torch.nn.init:uniform_"
    example: ClassVar[Mapping[str, Any]] = {"a": -0.1, "b": 0.1}

    a: float = Field(default=0.0, description="Lower bound.")
    b: float = Field(default=1.0, description="Upper bound, not less than a.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.a > self.b:
            raise ParameterError(f"`a` must not exceed b, but a is {self.a} and b is {self.b}", "Swap them")
        return self

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return the standard deviation."""
        return (self.b - self.a) / math.sqrt(12)

    def constant_value(self) -> float | None:
        """Return the bounds if they are equal."""
        return self.a if self.a == self.b else None


class TruncNormal(Init):
    """Fill the tensor with values from a normal distribution truncated to the range from ``a`` to ``b``.

    ``a`` and ``b`` are values, not multiples of ``std``. The mean may lie at most 2 ``std`` outside the range. Accepts
    tensors of any shape. Source: ``torch.nn.init.trunc_normal_``.
    """

    target = "torch.nn.init:trunc_normal_"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.02, "a": -0.04, "b": 0.04}

    mean: float = Field(default=0.0, description="Mean before truncation.")
    std: PositiveFloat = Field(default=1.0, description="Standard deviation before truncation.")
    a: float = Field(default=-2.0, description="Lower bound.")
    b: float = Field(default=2.0, description="Upper bound, greater than a.")

    @model_validator(mode="after")
    def _range_is_met(self) -> Self:
        if self.a >= self.b:
            message = f"`a` must be less than b, but a is {self.a} and b is {self.b}"
            raise ParameterError(message, "Set a below b")
        if not self.a - 2 * self.std <= self.mean <= self.b + 2 * self.std:
            raise ParameterError(
                f"the mean {self.mean} lies more than 2 std outside the range from {self.a} to {self.b}, so almost no "
                "value drawn would fall into it",
                "Move the range or the mean",
            )
        return self

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return an upper bound of the standard deviation: before truncation, or of a uniform distribution."""
        return min(self.std, (self.b - self.a) / math.sqrt(12))
