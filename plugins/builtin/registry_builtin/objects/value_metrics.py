"""Metrics of numbers, which refuse to broadcast as the losses do: outputs [batch, 1] are taken as [batch]."""

from __future__ import annotations

from torch import Tensor
from torchmetrics import regression

from registry_builtin.objects.losses import of_one_shape


class MeanAbsoluteError(regression.MeanAbsoluteError):
    """Absolute differences."""

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in a batch."""
        super().update(*of_one_shape((output, target)))


class MeanSquaredError(regression.MeanSquaredError):
    """Squared differences."""

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in a batch."""
        super().update(*of_one_shape((output, target)))
