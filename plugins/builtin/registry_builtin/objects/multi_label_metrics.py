"""Metrics of any number of classes a sample, for every form of target that says which classes are there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelF1Score, MultilabelPrecision, MultilabelRecall


class _Decided:
    """Decides by a fixed cut before torchmetrics sees the output: it would guess from the values what they are."""

    def __init__(self, classes: int, average: str, cut: float) -> None:
        above: Any = super()  # the metric that this is mixed into
        above.__init__(classes, average=average, validate_args=False)
        self.cut = cut

    def update(self, output: Tensor, target: Tensor) -> None:
        """Take in a batch."""
        above: Any = super()  # as above
        above.update((output > self.cut).int(), present(target, output.shape[1]))


class MultiLabelPrecision(_Decided, MultilabelPrecision):
    """Precision by class."""


class MultiLabelRecall(_Decided, MultilabelRecall):
    """Recall by class."""


class MultiLabelF1(_Decided, MultilabelF1Score):
    """F1 by class."""


def present(target: Tensor, classes: int) -> Tensor:
    """Which classes are there, int [batch, classes], from multi-hot vectors, signs, or numbers padded with -1."""
    if target.is_floating_point():
        return (target > 0).int()
    hot = torch.zeros(len(target), classes + 1, dtype=torch.int32, device=target.device)
    hot.scatter_(1, torch.where(target < 0, classes, target), 1)
    return hot[:, :classes]
