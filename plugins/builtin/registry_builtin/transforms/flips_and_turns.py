"""Flips and turns: mirror images and rotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.image_facts import unsized, warped
from registry_builtin.transforms.parameters import CENTER, FILL, OLD_WARP, WARP, Angles, torch_fill, torch_mode
from registry_core.components import Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Fill, Probability, WarpInterpolation


class _Flip(Transform):
    random: ClassVar[Randomness] = "counter"

    p: Probability = Field(default=0.5, description="Probability of a flip, 0 to 1.")

    def infer_image(self, image: Image) -> Image:
        """Nothing that is known of the image changes."""
        return image


class RandomHorizontalFlip(_Flip):
    """Mirror the image left to right with probability `p`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size. Draws: one
    number; the image is flipped if it is below `p`. As torchvision.transforms.v2.RandomHorizontalFlip.
    """

    target = "registry_builtin.objects.random_geometry:RandomHorizontalFlip"


class RandomVerticalFlip(_Flip):
    """Mirror the image top to bottom with probability `p`.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size. Draws: one
    number; the image is flipped if it is below `p`. As torchvision.transforms.v2.RandomVerticalFlip.
    """

    target = "registry_builtin.objects.random_geometry:RandomVerticalFlip"


class RandomRotation(Transform):
    """Turn the image counter-clockwise by a random angle.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type, of the same size unless `expand`.
    The angle is uniform in `degrees`. Draws: the angle. As torchvision.transforms.v2.RandomRotation, with uncovered
    pixels of masks 0.
    """

    target = "registry_builtin.objects.random_warps:RandomRotation"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"degrees": 15, "interpolation": "bilinear"}
    old_spellings: ClassVar[Mapping[str, str]] = OLD_WARP

    degrees: Angles = Field(description="Smallest and largest angle in degrees; one number d stands for [-d, d].")
    interpolation: WarpInterpolation = Field(default="nearest", description=WARP)
    expand: bool = Field(
        default=False,
        description="Whether the image grows to hold all of the turned one; its size then differs from sample to "
        "sample, so resize or crop it afterwards.",
    )
    center: tuple[float, float] | None = Field(default=None, description=CENTER)
    fill: Fill = Field(default=0, description=FILL)

    @model_validator(mode="after")
    def _center_is_used(self) -> Self:
        if self.expand and self.center is not None:
            raise ValueError("center has no meaning where expand is true; remove it")
        return self

    def arguments(self) -> dict[str, Any]:
        """The parameters as torchvision's functions take them."""
        return {
            **super().arguments(),
            "interpolation": torch_mode(self.interpolation),
            "fill": torch_fill(self.fill),
        }

    def infer_image(self, image: Image) -> Image:
        """The image has the same size, or one that is not known if it grows."""
        after = warped(image, self.interpolation, self.fill)
        if not self.expand:
            return after
        if self.degrees[0] != self.degrees[1]:
            return unsized(after, keeps_aspect=False)
        if self.degrees[0] % 180 == 0:
            return after
        if self.degrees[0] % 90 == 0:
            return after.changed(height=image.width, width=image.height)
        return after.changed(height=None, width=None, square=False)
