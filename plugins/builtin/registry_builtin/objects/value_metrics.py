"""Metrics of numbers, which refuse to broadcast as the losses do: outputs [batch, 1] are taken as [batch]."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import regression

from registry_builtin.objects.losses import of_one_shape


class MeanAbsoluteError(regression.MeanAbsoluteError):
    """Absolute differences."""

    def __init__(self, log_output: bool) -> None:
        super().__init__()
        self.log_output = log_output

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in a batch."""
        super().update(*_numbers(output.exp() if self.log_output else output, target))


class MeanSquaredError(regression.MeanSquaredError):
    """Squared differences."""

    def __init__(self, log_output: bool) -> None:
        super().__init__()
        self.log_output = log_output

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in a batch."""
        super().update(*_numbers(output.exp() if self.log_output else output, target))


def _numbers(output: Tensor, target: Tensor) -> list[Tensor]:
    """Both of one shape, and in one piece: torchmetrics looks at them as vectors, which part of a tensor cannot be."""
    return [value.contiguous() for value in of_one_shape((output, target))]
