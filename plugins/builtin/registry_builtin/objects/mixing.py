"""Mixing of the samples of a batch: each is mixed with the previous one, the first with the last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from registry_builtin.objects.beta import beta
from registry_core.components import Draws


class MixUp:
    """Weighted means of images and of targets."""

    def __init__(self, alpha: float, num_classes: int) -> None:
        self.alpha = alpha
        self.num_classes = num_classes

    def __call__(self, batch: Mapping[str, Any], draws: Draws) -> dict[str, Any]:
        """Return the mixed batch."""
        kept = beta(self.alpha, draws)
        return {**batch, "input": mixed(batch["input"], kept), "target": self._target(batch["target"], kept)}

    def _target(self, target: Tensor, kept: float) -> Tensor:
        vectors = one_hot(target, self.num_classes) if target.ndim == 1 else target
        return mixed(vectors.to(torch.float32), kept)


class CutMix(MixUp):
    """Images with a rectangle of another one, and targets mixed by area."""

    def __call__(self, batch: Mapping[str, Any], draws: Draws) -> dict[str, Any]:
        """Return the mixed batch."""
        images: Tensor = batch["input"]
        height, width = images.shape[-2:]
        top, left, bottom, right = self.window(height, width, draws)
        changed = images.clone()
        changed[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        kept = 1.0 - (bottom - top) * (right - left) / (height * width)
        return {**batch, "input": changed, "target": self._target(batch["target"], kept)}

    def window(self, height: int, width: int, draws: Draws) -> tuple[int, int, int, int]:
        """Return top, left, bottom and right of the rectangle to replace."""
        half = 0.5 * math.sqrt(1.0 - beta(self.alpha, draws))
        x, y = draws.integer(width), draws.integer(height)
        tall, wide = int(half * height), int(half * width)
        return max(y - tall, 0), max(x - wide, 0), min(y + tall, height), min(x + wide, width)


def mixed(values: Tensor, kept: float) -> Tensor:
    """Return ``kept`` times each row plus ``1 - kept`` times the previous one."""
    return values.roll(1, 0).mul_(1.0 - kept).add_(values.mul(kept))
