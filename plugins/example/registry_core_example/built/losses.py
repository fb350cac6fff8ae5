"""Losses as torch modules."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class RegistryCoreExample(nn.Module):
    """Generalized cross entropy: ``(1 - p ** q) / q`` of each sample."""

    def __init__(self, q: float, reduction: str) -> None:
        super().__init__()
        self.q = q
        self.reduction = reduction

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss of logits [batch, classes] and class indices [batch]."""
        entropy = F.cross_entropy(output, target, reduction="none")
        each = -(-self.q * entropy).expm1() / self.q  # p is exp(-entropy); expm1 avoids cancellation for p close to 1
        if self.reduction == "none":
            return each
        return each.mean() if self.reduction == "mean" else each.sum()
