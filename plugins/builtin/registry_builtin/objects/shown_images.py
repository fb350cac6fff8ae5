"""Images for the eye: values from 0 to 1, one or three channels, and pixels large enough to be seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import make_grid

BORDER = torch.tensor([0.2, 0.4, 0.8]).view(3, 1, 1)
"""The colour between images: a blue, which is no grey of theirs."""


def shown(images: Tensor, pipeline: Mapping[str, Any], section: str, *, batched: bool = True) -> Tensor:
    """Images [n, channels, height, width] of a section with its ``normalize`` undone, and values from 0 to 1.

    ``batched``: they went through the transforms of batches too.
    """
    images = images.detach().cpu()
    if images.dtype == torch.uint8:
        images = images / 255
    images = images.float()
    lists = ("transforms", "batch_transforms") if batched else ("transforms",)
    transforms = [transform for name in lists for transform in pipeline["data"][section][name]]
    for transform in reversed(transforms):
        name, parameters = next(iter(transform.items()))
        if name.rpartition(":")[2] == "normalize":
            mean, std = (torch.tensor(parameters[key]).view(1, -1, 1, 1) for key in ("mean", "std"))
            images = images * std + mean
    if images.shape[1] not in (1, 3):
        images = images.mean(1, keepdim=True)
    tolerance = 1e-3  # normalising and undoing it are not exact
    if images.min() < -tolerance or images.max() > 1 + tolerance:
        return stretched(images)
    return images.clamp(0, 1)


def stretched(values: Tensor) -> Tensor:
    """Values from 0 for the smallest to 1 for the largest; all 0 if they are the same."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)


def enlarged(images: Tensor, side: int) -> Tensor:
    """Images whose shorter side is at least ``side``, each pixel a square of pixels."""
    factor = enlargement(images, side)
    return F.interpolate(images, scale_factor=factor, mode="nearest") if factor > 1 else images


def enlargement(images: Tensor, side: int) -> int:
    """How many times larger ``enlarged`` makes the sides."""
    return -(-side // min(images.shape[-2:]))


def tiled(images: Tensor, columns: int | None = None, side: int = 64) -> Tensor:
    """Images side by side [3, height, width], 2 pixels apart, in as many columns as rows unless given."""
    grid: Tensor = make_grid(
        enlarged(images, side), nrow=columns or math.ceil(math.sqrt(len(images))), padding=2, pad_value=-1
    )
    return torch.where(grid < 0, BORDER, grid)


def on_square(images: Tensor) -> Tensor:
    """Images in the middle of black squares."""
    height, width = images.shape[-2:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    return F.pad(images, (left, side - width - left, top, side - height - top))
