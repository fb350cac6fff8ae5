"""Regression metrics that do not broadcast, as the losses do not; outputs [batch, 1] match targets [batch]."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import regression

from registry_builtin.objects.losses import of_one_shape


class MeanAbsoluteError(regression.MeanAbsoluteError):
    """Mean absolute error."""

    def __init__(self, log_output: bool) -> None:
        super().__init__()
        self.log_output = log_output

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        super().update(*_numbers(output.exp() if self.log_output else output, target))


class MeanSquaredError(regression.MeanSquaredError):
    """Mean squared error."""

    def __init__(self, log_output: bool) -> None:
        super().__init__()
        self.log_output = log_output

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        super().update(*_numbers(output.exp() if self.log_output else output, target))


def _numbers(output: Tensor, target: Tensor) -> list[Tensor]:
    """Return both tensors with one shape and contiguous, because torchmetrics views them as vectors."""
    return [value.contiguous() for value in of_one_shape((output, target))]
