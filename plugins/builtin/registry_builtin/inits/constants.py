"""Init schemes that set one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Init


class Constant(Init):
    """The same value everywhere.

    Fits tensors of any shape. Source: ``torch.nn.init.constant_``.
    """

    target = "torch.nn.init:constant_"
    argument_names: ClassVar[dict[str, str]] = {"value": "val"}
    example: ClassVar[Mapping[str, Any]] = {"value": 0.1}
    old_spellings: ClassVar[Mapping[str, str]] = {"val": "value"}

    value: float = Field(description="The value.")


class Zeros(Init):
    """Zero everywhere, as for biases.

    Fits tensors of any shape. Source: ``torch.nn.init.zeros_``.
    """

    target = "torch.nn.init:zeros_"


class Ones(Init):
    """One everywhere, as for the weights of normalisations.

    Fits tensors of any shape. Source: ``torch.nn.init.ones_``.
    """

    target = "torch.nn.init:ones_"
