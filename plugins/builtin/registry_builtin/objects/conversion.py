"""Between Pillow images and tensors."""

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

    Images are the entry ``input``, and every other entry that is a Pillow image or a tv_tensors.Image. Nothing else is
    touched: a NumPy array may be a target, so it is not taken for an image unless it is the input.
    """

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample with its images converted."""
        return {**sample, **{key: self.converted(image) for key, image in images_of(sample).items()}}

    def converted(self, image: Any) -> Any:
        """One image, converted."""
        raise NotImplementedError


class ToTensor(Conversion):
    """Makes float32 tensors with values from 0 to 1."""

    def converted(self, image: Any) -> tv_tensors.Image:
        """A Pillow image, array or tensor as a float tensor."""
        return tv_tensors.Image(scaled_to_float(F.to_image(image)))


def scaled_to_float(images: torch.Tensor) -> torch.Tensor:
    """An image, or a stack of images, as float32 with values from 0 to 1."""
    if images.dtype == torch.uint8:  # divided as v1 does; to_dtype multiplies by 1 / 255: other last bits
        return images.to(torch.float32).div_(255)
    scaled: torch.Tensor = F.to_dtype(images, torch.float32, scale=True)
    return scaled


class ToImage(Conversion):
    """Makes tensors with the same values."""

    def converted(self, image: Any) -> tv_tensors.Image:
        """A Pillow image, array or tensor as a tensor."""
        tensor: tv_tensors.Image = F.to_image(image)
        return tensor


class ToDtype(Conversion):
    """Makes tensors of a type, with the same values or with those of its range."""

    def __init__(self, dtype: str, scale: bool) -> None:
        self.dtype: torch.dtype = getattr(torch, dtype)
        self.scale = scale

    def converted(self, image: Any) -> tv_tensors.Image:
        """A Pillow image, array or tensor as a tensor of this type."""
        tensor: tv_tensors.Image = F.to_dtype(F.to_image(image), self.dtype, scale=self.scale)
        return tensor


class ToPILImage(Conversion):
    """Makes Pillow images."""

    def __init__(self, mode: str | None) -> None:
        self.mode = mode

    def converted(self, image: Any) -> PIL.Image.Image:
        """A tensor or array as a Pillow image; a Pillow image as it is."""
        if isinstance(image, PIL.Image.Image):
            return image
        made: PIL.Image.Image = F.to_pil_image(image, mode=self.mode)
        return made
