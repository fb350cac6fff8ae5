"""Samplers: the order of the samples of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from registry_core.components.base import Component

if TYPE_CHECKING:
    import numpy

Order = Callable[[int, int], "numpy.ndarray[Any, numpy.dtype[numpy.int64]]"]
"""From (seed, epoch) to the sample indices of that epoch (int64): a pure function, so a run can resume anywhere."""


class Sampler(Component):
    """The order of samples, a pure function of seed and epoch."""

    kind: ClassVar[str] = "sampler"
    leading_arguments: ClassVar[int] = 1
    function_leading_arguments: ClassVar[int] = 1
    needs_targets: ClassVar[bool] = False
    """True if ``build`` receives the class of every sample."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def epoch_length(self, length: int) -> int:
        """The number of samples in an epoch, for a data set of this length."""
        return length

    def build(self, length: int, targets: Sequence[int] | None = None) -> Order:
        """The order for a data set of ``length`` samples."""
        order: Order = self.make(length)
        return order
