"""Metrics of embeddings, distances and scores."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from registry_builtin.objects.losses import of_one_shape

_ROWS = 1024
"""Number of embeddings whose distances to all others are in memory at once."""


class _Share(Metric):
    """Base of metrics that count correct decisions and divide at the end."""

    higher_is_better = True
    is_differentiable = False
    full_state_update = False

    right: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("right", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("seen", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def count(self, score: Tensor, target: Tensor) -> None:
        """Count the scores whose sign matches that of the target."""
        score, target = of_one_shape((score, target))
        self.right += (score * target > 0).sum()
        self.seen += target.numel()

    def compute(self) -> Tensor:
        """Return the fraction of correct decisions."""
        return self.right / self.seen


class PairAccuracy(_Share):
    """Predicts the same class for embeddings that are close."""

    def __init__(self, distance: str, threshold: float) -> None:
        super().__init__()
        self.distance, self.threshold = distance, threshold

    def update(self, output: Tensor, second_output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        first, second = output.float(), second_output.float()
        if self.distance == "cosine":
            distance = 1 - F.cosine_similarity(first, second)
        else:
            distance = torch.linalg.vector_norm(first - second, dim=1)
        self.count(self.threshold - distance, target)


class DistanceAccuracy(_Share):
    """Predicts the same class for small distances."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        self.count(self.threshold - output, target)


class RankingAccuracy(_Share):
    """Predicts the order of two scores."""

    def update(self, output: Tensor, second_output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        self.count(output - second_output, target)


class NearestNeighbourAccuracy(Metric):
    """Keeps all embeddings and searches for the nearest neighbour of each at the end."""

    higher_is_better = True
    is_differentiable = False
    full_state_update = False

    embeddings: list[Tensor]
    classes: list[Tensor]

    def __init__(self, distance: str) -> None:
        super().__init__()
        self.distance = distance
        self.add_state("embeddings", [], dist_reduce_fx="cat")
        self.add_state("classes", [], dist_reduce_fx="cat")

    def update(self, output: Tensor, target: Tensor) -> None:
        """Update the state with a batch."""
        self.embeddings.append(output.float())
        self.classes.append(target)

    def compute(self) -> Tensor:
        """Return the fraction of samples whose nearest neighbour has the same class."""
        embeddings, classes = dim_zero_cat(self.embeddings), dim_zero_cat(self.classes)
        if self.distance == "cosine":
            embeddings = F.normalize(embeddings)  # Euclidean distances of unit vectors order like angles
        right = torch.zeros((), device=embeddings.device)
        for start in range(0, len(embeddings), _ROWS):
            rows = embeddings[start : start + _ROWS]
            between = torch.cdist(rows, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
            itself = torch.arange(start, start + len(rows), device=rows.device)
            between.scatter_(1, itself[:, None], torch.inf)
            right += (classes[between.argmin(dim=1)] == classes[itself]).sum()
        return right / len(embeddings)
