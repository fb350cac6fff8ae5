"""Crops: a window of the image, in the middle or at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.image_facts import Edges, check_one_pixel, padded, resampled, with_fill, with_values
from registry_builtin.transforms.parameters import (
    OLD_INTERPOLATION,
    PADDING,
    SIZE,
    InterpolatingTransform,
    PaddingTransform,
    TorchvisionTransform,
    torch_fill,
)
from registry_core.components import CheckFailed, Image
from registry_core.components.transform import Randomness
from registry_core.components.types import OrderedPair, Padding, Size


class CenterCrop(TorchvisionTransform):
    """Cut the middle `size` window out of the image.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out has height and width `size`.
    Where the image is smaller than the window, the rest is 0. If the rest cannot be shared equally, the window lies
    where torchvision puts it. As torchvision.transforms.v2.CenterCrop.
    """

    target = "torchvision.transforms.v2:CenterCrop"
    example: ClassVar[Mapping[str, Any]] = {"size": 8}

    size: Size = Field(description=SIZE)

    def infer_image(self, image: Image) -> Image:
        """The image has the size of the window."""
        height, width = self.size
        tall = image.height is not None and image.height >= height
        wide = image.width is not None and image.width >= width
        return (image if tall and wide else with_values(image, 0)).changed(height=height, width=width)


class RandomCrop(PaddingTransform):
    """Cut a `size` window out of the image at a random place, after optional padding.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out has height and width `size`.
    Every position is equally likely. Draws: top, left. An image smaller than the window is an error, unless
    `pad_if_needed` adds what is missing at both edges. As torchvision.transforms.v2.RandomCrop, with masks padded
    with 0.
    """

    target = "registry_builtin.objects.random_geometry:RandomCrop"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "padding": 1}

    size: Size = Field(description=SIZE)
    padding: Padding | None = Field(default=None, description=f"{PADDING} None: no padding.")
    pad_if_needed: bool = Field(default=False, description="Whether an image that is too small is padded to fit.")

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision's functions take them."""
        return {**super().arguments(), "fill": torch_fill(self.fill)}

    def infer_image(self, image: Image) -> Image:
        """The image has the size of the window, if that fits into it."""
        height, width = self.size
        before = padded(image, self._edges(image), self.fill, self.padding_mode)
        if _below(before.height, height) or _below(before.width, width):
            what = "padded image" if self.padding else "image"
            sides = " x ".join("?" if side is None else str(side) for side in (before.height, before.width))
            message = f"A window of {height} x {width} does not fit into the {what} of {sides} (height x width)."
            raise CheckFailed(message, "Use a smaller size, more padding, or pad_if_needed: true.")
        if self.pad_if_needed and self.padding_mode == "constant" and None in (image.height, image.width):
            before = with_fill(before, self.fill)
        return before.changed(height=height, width=width)

    def _edges(self, image: Image) -> Edges:
        left, top, right, bottom = self.padding or (0, 0, 0, 0)
        if self.pad_if_needed and image.height is not None:
            missing = max(0, self.size[0] - image.height - top - bottom)
            top, bottom = top + missing, bottom + missing
        if self.pad_if_needed and image.width is not None:
            missing = max(0, self.size[1] - image.width - left - right)
            left, right = left + missing, right + missing
        return left, top, right, bottom


class RandomResizedCrop(InterpolatingTransform):
    """Cut out a window of random area, shape and place, and resize it to `size`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out has height and width `size`.
    The area is uniform in `scale`, the logarithm of the aspect is uniform in that of `ratio`; ten attempts are made,
    then the largest middle window with an aspect in `ratio` is taken. Draws of each attempt: area, aspect, top, left.
    As torchvision.transforms.v2.RandomResizedCrop (Szegedy et al., "Going deeper with convolutions", CVPR 2015).
    """

    target = "registry_builtin.objects.random_geometry:RandomResizedCrop"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "scale": [0.5, 1.0]}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_INTERPOLATION

    size: Size = Field(description=SIZE)
    scale: OrderedPair = Field(
        default=(0.08, 1.0), description="Smallest and largest area of the window, as a part of the image's area."
    )
    ratio: OrderedPair = Field(
        default=(3 / 4, 4 / 3), description="Smallest and largest aspect of the window, width divided by height."
    )

    def infer_image(self, image: Image) -> Image:
        """The image has the given size."""
        check_one_pixel(image, self.size, self.interpolation, self.antialias)
        return resampled(image, self.interpolation).changed(height=self.size[0], width=self.size[1])


def _below(side: int | None, least: int) -> bool:
    return side is not None and side < least
