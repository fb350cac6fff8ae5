"""Initialization with constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Init


class _SameValue(Init):
    """Base of schemes that fill the tensor with one value."""

    draws: ClassVar[bool] = False


class Constant(_SameValue):
    """Fill the tensor with one value.

    Accepts tensors of any shape. Source: ``torch.nn.init.constant_``.
    """

    target = "torch.nn.init:constant_"
    argument_names: ClassVar[dict[str, str]] = {"value": "val"}
    example: ClassVar[Mapping[str, Any]] = {"value": 0.1}
    old_spellings: ClassVar[Mapping[str, str]] = {"val": "value"}

    value: float = Field(description="Value of all elements.")

    def constant_value(self) -> float:
        """Return the value."""
        return self.value


class Zeros(_SameValue):
    """Fill the tensor with zeros, for example for biases.

    Accepts tensors of any shape. Source: ``torch.nn.init.zeros_``.
    """

    target = "torch.nn.init:zeros_"

    def constant_value(self) -> float:
        """Return 0."""
        return 0.0


class Ones(_SameValue):
    """Fill the tensor with ones, for example for the weights of normalization layers.

    Accepts tensors of any shape. Source: ``torch.nn.init.ones_``.
    """

    target = "torch.nn.init:ones_"

    def constant_value(self) -> float:
        """Return 1."""
        return 1.0
