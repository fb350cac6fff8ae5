"""The central window of an image and its masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.sample_images import spatial_of


class CenterCrop:
    """Crops the central window of all images and masks of a sample."""

    def __init__(self, size: Sequence[int], mask_fill: int) -> None:
        self.size = list(size)
        self.mask_fill = mask_fill

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sample with its images and masks cropped."""
        return {**sample, **{key: self.cropped(value) for key, value in spatial_of(sample).items()}}

    def cropped(self, value: Any) -> Any:
        """Return an image padded with 0, or a mask padded with ``mask_fill``, if it is smaller than the window."""
        found = F.center_crop(value, self.size)
        if not isinstance(value, tv_tensors.Mask) or not self.mask_fill:
            return found
        inside = F.center_crop(torch.ones(value.shape[-2:], dtype=torch.uint8)[None], self.size)[0]
        return tv_tensors.Mask(found.masked_fill(inside == 0, self.mask_fill))
