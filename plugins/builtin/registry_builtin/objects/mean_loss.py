"""Mean of a loss over all samples, independent of the batch size."""

from __future__ import annotations

from copy import deepcopy

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

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        copy = deepcopy(loss)
        if type(copy) is nn.CrossEntropyLoss:
            # Its mean is divided by the sum of target weights, which may be 0 for a batch.
            copy.reduction = "sum"
        self.loss = copy
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("weight", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        if output.dtype in (torch.float16, torch.bfloat16):
            output = output.float()
        value = self.loss(output, target)
        if type(self.loss) is nn.CrossEntropyLoss:
            self.total += value
            self.weight += _target_weight(self.loss, output, target)
        else:
            self.total += value.mean() * output.shape[0]
            self.weight += output.shape[0]

    def compute(self) -> Tensor:
        """Return the mean over all batches."""
        return self.total / self.weight


def _target_weight(loss: nn.CrossEntropyLoss, output: Tensor, target: Tensor) -> Tensor | float:
    if target.is_floating_point():
        return output.numel() / output.shape[1]
    counted = target.ne(loss.ignore_index)
    if loss.weight is None:
        return counted.sum()
    # ignore_index need not be a valid class, so it is replaced before the look-up.
    weights = loss.weight[torch.where(counted, target, 0)]
    return (weights * counted).sum()
