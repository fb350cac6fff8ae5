"""Distances between embeddings."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cosine_distance(first: Tensor, second: Tensor, eps: float) -> Tensor:
    """Return one minus the cosine similarity."""
    return 1 - F.cosine_similarity(first, second, eps=eps)


def p_distance(first: Tensor, second: Tensor, p: float, eps: float) -> Tensor:
    """Return the p-norm of the difference."""
    return F.pairwise_distance(first, second, p, eps)
