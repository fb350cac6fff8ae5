"""Sizes: scaling and padding."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.image_facts import padded, resampled, shorter_side_resized
from registry_builtin.transforms.parameters import PADDING, InterpolatingTransform, PaddingTransform
from registry_core.components import Image
from registry_core.components.types import Padding, ResizeSize


class Resize(InterpolatingTransform):
    """Scale the image to `size`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type. One number sets the shorter side
    and keeps the aspect (the longer side is rounded down); [height, width] sets both. As
    torchvision.transforms.v2.Resize.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Resize"

    size: ResizeSize = Field(description="Shorter side in pixels, or [height, width].")

    def follow(self, image: Image) -> Image:
        """The image has the given size, as far as it is known."""
        after = resampled(image, self.interpolation)
        if isinstance(self.size, tuple):
            return after.changed(height=self.size[0], width=self.size[1])
        if image.height is None or image.width is None:
            return after.changed(height=None, width=None)
        height, width = shorter_side_resized(image.height, image.width, self.size)
        return after.changed(height=height, width=width)


class Pad(PaddingTransform):
    """Add pixels around the image.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type; out is larger by `padding`. A
    tensor cannot be mirrored further than its own size. As torchvision.transforms.v2.Pad, with masks padded with 0.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Pad"

    padding: Padding = Field(description=PADDING)

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the fill of images and of masks."""
        from torchvision.tv_tensors import Mask

        return {**super().arguments(), "fill": {"others": self._fill(), Mask: 0}}

    def follow(self, image: Image) -> Image:
        """The image is larger by the padding."""
        return padded(image, self.padding, self._fill(), self.padding_mode)
