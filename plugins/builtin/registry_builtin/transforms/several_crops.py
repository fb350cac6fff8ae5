"""Crops that make several images of one: they train as a larger batch, and evaluations average over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.parameters import SIZE
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.types import Size


class FiveCrop(Transform):
    """Make five images of one: the `size` windows in the four corners, and the middle one.

    In: a Pillow image, or a tensor [channels, height, width] of any type, at least as large as `size`. Out: five
    samples of height and width `size`, in the order top left, top right, bottom left, bottom right, middle, with the
    same target; masks are cut alike. What comes after is done to each, with random numbers of its own. In training
    the five are samples of the same batch, which is so much larger; in evaluations, and for `predict`, what the
    model gives for them is averaged before losses and metrics. As torchvision.transforms.v2.FiveCrop.
    """

    target = "registry_builtin.objects.several_crops:FiveCrop"
    num_views: ClassVar[int] = 5
    example: ClassVar[Mapping[str, Any]] = {"size": 6}

    size: Size = Field(description=SIZE)

    def infer_image(self, image: Image) -> Image:
        """Each image has the size of the window."""
        height, width = self.size
        small = (image.height is not None and image.height < height) or (
            image.width is not None and image.width < width
        )
        if small:
            sides = " x ".join("?" if side is None else str(side) for side in (image.height, image.width))
            message = f"A window of {height} x {width} does not fit into the image of {sides} (height x width)."
            raise CheckFailed(message, "Use a smaller size, or resize the images before.")
        return image.changed(height=height, width=width)


class TenCrop(FiveCrop):
    """Make ten images of one: the five of five_crop, and those of the mirrored image.

    In, out and use as five_crop; the mirrored five come last. The image is mirrored left to right, or top to bottom
    with `vertical_flip`. As torchvision.transforms.v2.TenCrop.
    """

    target = "registry_builtin.objects.several_crops:TenCrop"
    num_views: ClassVar[int] = 10
    example: ClassVar[Mapping[str, Any]] = {"size": 6, "vertical_flip": True}

    vertical_flip: bool = Field(default=False, description="Whether it is mirrored top to bottom.")
