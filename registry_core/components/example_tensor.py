"""An example tensor as plain data: declarations do not import torch."""

from __future__ import annotations

from typing import Literal, NamedTuple


class ExampleTensor(NamedTuple):
    """A random tensor: shape (batch first), dtype, and the smallest and the largest value (inclusive)."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "int64", "uint8"] = "float32"
    low: float = -1.0
    high: float = 1.0
