"""Conversions between Pillow images and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import PIL.Image
import torch
from torchvision import tv_tensors
from torchvision.transforms.v2 import functional as F

from registry_builtin.objects.sample_images import images_of


class Conversion:
    """Base of conversions of all images in a sample.

    Images are the entry ``input`` and every other entry that is a Pillow image or a tv_tensors.Image. Nothing else is
    converted: a NumPy array may be a target, so it is not treated as an image unless it is the input.
    """

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sample with its images converted."""
        return {**sample, **{key: self.converted(image) for key, image in images_of(sample).items()}}

    def converted(self, image: Any) -> Any:
        """Return one image, converted."""
        raise NotImplementedError


class ToTensor(Conversion):
    """Converts images to float32 tensors with values from 0 to 1."""

    def converted(self, image: Any) -> tv_tensors.Image:
        """Convert a Pillow image, array or tensor to a float tensor."""
        return tv_tensors.Image(scaled_to_float(F.to_image(image)))


def scaled_to_float(images: torch.Tensor) -> torch.Tensor:
    """Convert an image, or a stack of images, to float32 with values from 0 to 1."""
    if images.dtype == torch.uint8:  # division as in v1; to_dtype multiplies by 1 / 255, which rounds differently
        return images.to(torch.float32).div_(255)
    scaled: torch.Tensor = F.to_dtype(images, torch.float32, scale=True)
    return scaled


class ToImage(Conversion):
    """Converts images to tensors without changing their values."""

    def converted(self, image: Any) -> tv_tensors.Image:
        """Convert a Pillow image, array or tensor to a tensor."""
        tensor: tv_tensors.Image = F.to_image(image)
        return tensor


class ToDtype(Conversion):
    """Converts images to tensors of a dtype, with or without rescaling values to its range."""

    def __init__(self, dtype: str, scale: bool) -> None:
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.scale = scale

    def converted(self, image: Any) -> tv_tensors.Image:
        """Convert a Pillow image, array or tensor to a tensor of this dtype."""
        tensor: tv_tensors.Image = F.to_dtype(F.to_image(image), self.dtype, scale=self.scale)
        return tensor


class ToPILImage(Conversion):
    """Converts images to Pillow images."""

    def __init__(self, mode: str | None) -> None:
        self.mode = mode

    def converted(self, image: Any) -> PIL.Image.Image:
        """Convert a tensor or array to a Pillow image; return a Pillow image unchanged."""
        if isinstance(image, PIL.Image.Image):
            return image
        made: PIL.Image.Image = F.to_pil_image(image, mode=self.mode)
        return made
