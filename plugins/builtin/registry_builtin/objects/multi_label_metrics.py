"""Multi-label metrics for every form of target that indicates the classes that are present."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelF1Score, MultilabelPrecision, MultilabelRecall


class _Decided:
    """Applies a fixed threshold before torchmetrics, which would guess the form of the output from its values."""

    def __init__(self, classes: int, average: str, cut: float) -> None:
        above: Any = super()  # the metric that this class is mixed into
        above.__init__(classes, average=average, validate_args=False)
        self.cut = cut

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        above: Any = super()  # as above
        above.update((output > self.cut).int(), present(target, output.shape[1]))


class MultiLabelPrecision(_Decided, MultilabelPrecision):
    """Precision per class."""


class MultiLabelRecall(_Decided, MultilabelRecall):
    """Recall per class."""


class MultiLabelF1(_Decided, MultilabelF1Score):
    """F1 per class."""


def present(target: Tensor, classes: int) -> Tensor:
    """Return the presence of each class, int [batch, classes], for multi-hot vectors, signs or padded indices."""
    if target.is_floating_point():
        return (target > 0).int()
    hot = torch.zeros(len(target), classes + 1, dtype=torch.int32, device=target.device)
    hot.scatter_(1, torch.where(target < 0, classes, target), 1)
    return hot[:, :classes]
