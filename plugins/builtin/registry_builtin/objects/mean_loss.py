"""Mean of a loss over all samples, independent of the batch size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchmetrics import Metric


class MeanLoss(Metric):
    """Sums a loss and the divisor of its mean, and divides at the end."""

    higher_is_better = False
    is_differentiable = False
    full_state_update = False

    loss: nn.Module
    total: Tensor
    weight: Tensor

    def __init__(self, loss: nn.Module, divisor: nn.Module | None = None) -> None:
        """``loss`` is a mean over samples or, with a ``divisor`` of targets, a sum."""
        super().__init__()
        self.loss = loss
        self.divisor = divisor
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("weight", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        if output.dtype in (torch.float16, torch.bfloat16):
            output = output.float()
        value = self.loss(output, target)
        if self.divisor is None:
            self.total += value.mean() * output.shape[0]
            self.weight += output.shape[0]
        else:
            self.total += value
            self.weight += self.divisor(target)

    def compute(self) -> Tensor:
        """Return the mean over all batches."""
        return self.total / self.weight
