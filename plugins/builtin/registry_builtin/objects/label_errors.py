"""Edit distances between what a model read and what there is, for a whole batch at once on its device."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class LabelErrorRate(Metric):
    """Adds up wrong labels and labels, and divides at the end."""

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
        """Take in a batch."""
        best = output.argmax(-1)
        before = torch.nn.functional.pad(best, (1, 0), value=-1)[:, :-1]
        read = (best != self.blank) & (best != before)
        self.wrong += distances(best, read, target, target_length).sum()
        self.labels += target_length.sum()

    def compute(self) -> Tensor:
        """Wrong labels by labels."""
        return self.wrong / self.labels


def distances(labels: Tensor, counted: Tensor, target: Tensor, target_length: Tensor) -> Tensor:
    """Levenshtein distances [batch] between the ``counted`` ones of ``labels`` and the first ones of ``target``.

    The table of Wagner and Fischer, one row for each label that was read. Within a row an entry is the smallest of its
    candidates and of the one to the left plus 1, so a running minimum of candidates less their place gives all of it.
    """
    places = torch.arange(target.shape[1] + 1, device=target.device)
    row = places.repeat(len(target), 1)
    for step in range(labels.shape[1]):
        changed = row[:, :-1] + (labels[:, step, None] != target)
        candidates = torch.cat([row[:, :1] + 1, torch.minimum(changed, row[:, 1:] + 1)], dim=1)
        following = (candidates - places).cummin(dim=1).values + places
        row = torch.where(counted[:, step, None], following, row)
    return row.gather(1, target_length[:, None]).squeeze(1)
