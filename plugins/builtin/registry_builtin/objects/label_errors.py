"""Edit distances between predicted and target sequences, computed for a whole batch on its device."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class LabelErrorRate(Metric):
    """Sums label errors and target labels, and divides at the end."""

    higher_is_better = False
    is_differentiable = False
    full_state_update = False

    wrong: Tensor
    labels: Tensor

    def __init__(self, blank: int) -> None:
        super().__init__()
        self.blank = blank
        self.add_state("wrong", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("labels", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, output: Tensor, target: Tensor, target_length: Tensor) -> None:
        """Update the state with a batch."""
        best = output.argmax(-1)
        before = torch.nn.functional.pad(best, (1, 0), value=-1)[:, :-1]
        read = (best != self.blank) & (best != before)
        self.wrong += distances(best, read, target, target_length).sum()
        self.labels += target_length.sum()

    def compute(self) -> Tensor:
        """Return the number of label errors per target label."""
        return self.wrong / self.labels


def distances(labels: Tensor, counted: Tensor, target: Tensor, target_length: Tensor) -> Tensor:
    """Return Levenshtein distances [batch] between the ``counted`` elements of ``labels`` and the start of ``target``.

    The algorithm of Wagner and Fischer, one table row per predicted label. Within a row, an entry is the minimum of its
    candidates and of the entry to its left plus 1, so that a running minimum of the candidates minus their positions
    yields the whole row.
    """
    places = torch.arange(target.shape[1] + 1, device=target.device)
    row = places.repeat(len(target), 1)
    for step in range(labels.shape[1]):
        changed = row[:, :-1] + (labels[:, step, None] != target)
        candidates = torch.cat([row[:, :1] + 1, torch.minimum(changed, row[:, 1:] + 1)], dim=1)
        following = (candidates - places).cummin(dim=1).values + places
        row = torch.where(counted[:, step, None], following, row)
    return row.gather(1, target_length[:, None]).squeeze(1)
