"""Crops that produce several images from one: a larger batch in training, an average in evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.doubts import cut_to, no_effect, same_size
from registry_builtin.transforms.parameters import SIZE
from registry_core.components import CheckFailed, Image, RunFacts, Transform
from registry_core.components.forms import Aspect
from registry_core.components.types import Size


class FiveCrop(Transform):
    """Crop five `size` windows: the four corners and the centre.

    Input: a Pillow image, or a tensor [channels, height, width] of any dtype, at least as large as `size`. Output: five
    samples of height and width `size`, in the order top left, top right, bottom left, bottom right, centre, with the
    same target; masks are cropped alike. Later transforms are applied to each view, with random numbers of its own. In
    training, the five views are samples of one batch, which grows accordingly; in evaluation and in `predict`, the
    model's outputs for them are averaged before losses and metrics. Equivalent to torchvision.transforms.v2.FiveCrop.
    """

    target = "registry_builtin.objects.several_crops:FiveCrop"
    num_views: ClassVar[int] = 5
    example: ClassVar[Mapping[str, Any]] = {"size": 6}

    size: Size = Field(description=SIZE)

    def infer_image(self, image: Image) -> Image:
        """Each output has the size of the window; CheckFailed if the window does not fit."""
        height, width = self.size
        small = (image.height is not None and image.height < height) or (
            image.width is not None and image.width < width
        )
        if small:
            sides = " x ".join("?" if side is None else str(side) for side in (image.height, image.width))
            message = f"The {height} x {width} window does not fit into the image of {sides} (height x width)."
            raise CheckFailed(message, f"Set a smaller size, or resize to at least {height} x {width} before it.")
        return image.changed(height=height, width=width)

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return the extent, if the windows leave out much of the image."""
        return cut_to(image, *self.size)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if all windows are the whole image."""
        return [no_effect(self.name, "size is that of the image")] if same_size(facts.image, *self.size) else ()


class TenCrop(FiveCrop):
    """Crop ten `size` windows: the five of five_crop, and those of the flipped image.

    Input, output and use: as for five_crop; the flipped five come last. The image is flipped horizontally, or
    vertically with `vertical_flip`. Equivalent to torchvision.transforms.v2.TenCrop.
    """

    target = "registry_builtin.objects.several_crops:TenCrop"
    num_views: ClassVar[int] = 10
    example: ClassVar[Mapping[str, Any]] = {"size": 6, "vertical_flip": True}

    vertical_flip: bool = Field(
        default=False, description="If true, the image is flipped vertically instead of horizontally."
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Return nothing: the flipped image is another one, even where all windows are the whole image."""
        return ()
