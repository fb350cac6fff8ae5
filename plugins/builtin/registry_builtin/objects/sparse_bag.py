"""Table of logits per pixel and brightness level: the model sparse_bag."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SparseBag(nn.Module):
    """Looks up one row per non-black pixel and one bias row per image, and reduces them."""

    def __init__(self, in_channels: int, size: tuple[int, int], num_classes: int, levels: int, mode: str) -> None:
        super().__init__()
        self.levels = levels
        pixels = in_channels * size[0] * size[1]
        self.bias_row = pixels * levels
        self.table = nn.EmbeddingBag(self.bias_row + 1, num_classes, mode=mode, sparse=True)
        nn.init.normal_(self.table.weight, std=0.01)
        self.first_rows: Tensor
        self.register_buffer("first_rows", torch.arange(pixels) * levels, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the images."""
        steps = (images.flatten(1).clamp(0, 1) * self.levels).round().long()
        rows = self.first_rows + steps - 1
        bias = rows.new_full((len(rows), 1), self.bias_row)
        rows, used = torch.cat([rows, bias], 1), torch.cat([steps > 0, bias > 0], 1)
        ends = used.sum(1).cumsum(0)
        starts = torch.cat([ends.new_zeros(1), ends[:-1]])
        logits: Tensor = self.table(rows[used], starts)
        return logits
