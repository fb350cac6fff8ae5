"""An example of a tensor, as data: declarations have no torch."""

from __future__ import annotations

from typing import Literal, NamedTuple


class ExampleTensor(NamedTuple):
    """A tensor of random numbers: shape (the batch first), type, and smallest and largest value, both included."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "int64", "uint8"] = "float32"
    low: float = -1.0
    high: float = 1.0
