"""Images for display: values from 0 to 1, one or three channels, and visibly large pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.utils import make_grid

BORDER = torch.tensor([0.2, 0.4, 0.8]).view(3, 1, 1)
"""Colour between images: blue, which does not occur in grayscale images."""


def shown(images: Tensor, pipeline: Mapping[str, Any], section: str, *, batched: bool = True) -> Tensor:
    """Return images [n, channels, height, width] of a section with ``normalize`` reversed and values from 0 to 1.

    ``batched``: the images also passed through the batch transforms.
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
    tolerance = 1e-3  # normalizing and reversing it are not exact
    if images.min() < -tolerance or images.max() > 1 + tolerance:
        return stretched(images)
    return images.clamp(0, 1)


def stretched(values: Tensor) -> Tensor:
    """Rescale values to 0 for the smallest and 1 for the largest; return zeros if they are all equal."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)


def enlarged(images: Tensor, side: int) -> Tensor:
    """Enlarge images so that the shorter side is at least ``side``, each pixel becoming a square."""
    factor = enlargement(images, side)
    return F.interpolate(images, scale_factor=factor, mode="nearest") if factor > 1 else images


def enlargement(images: Tensor, side: int) -> int:
    """Return the factor by which ``enlarged`` enlarges the sides."""
    return -(-side // min(images.shape[-2:]))


def tiled(images: Tensor, columns: int | None = None, side: int = 64) -> Tensor:
    """Arrange images in a grid [3, height, width], 2 pixels apart; the grid is square unless ``columns`` is set."""
    grid: Tensor = make_grid(
        enlarged(images, side), nrow=columns or math.ceil(math.sqrt(len(images))), padding=2, pad_value=-1
    )
    return torch.where(grid < 0, BORDER, grid)


def on_square(images: Tensor) -> Tensor:
    """Centre images on black squares."""
    height, width = images.shape[-2:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    return F.pad(images, (left, side - width - left, top, side - height - top))
