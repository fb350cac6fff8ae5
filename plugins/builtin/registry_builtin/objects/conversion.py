"""From images to tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import PIL.Image
import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

_IMAGES = (PIL.Image.Image, tv_tensors.Image)


class ToTensor:
    """Makes float32 tensors with values from 0 to 1 of the images in a sample.

    Images are the entry ``input``, and every other entry that is a Pillow image or a tv_tensors.Image. Nothing else is
    touched: a NumPy array may be a target, so it is not taken for an image unless it is the input.
    """

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample with its images converted."""
        return {
            key: _converted(value) if key == "input" or isinstance(value, _IMAGES) else value
            for key, value in sample.items()
        }


def _converted(image: Any) -> tv_tensors.Image:
    tensor: tv_tensors.Image = F.to_image(image)
    if tensor.dtype == torch.uint8:  # divided as v1 does; to_dtype multiplies by 1 / 255, which differs in the last bit
        return tv_tensors.Image(tensor.to(torch.float32).div_(255))
    converted: tv_tensors.Image = F.to_dtype(tensor, torch.float32, scale=True)
    return converted
