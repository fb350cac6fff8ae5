"""Flips, rotations by angles, and rotations by quarter turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Image
from registry_core.components.forms import Aspect
from registry_core_kornia.declaring import Moved, Uncovering
from registry_core_kornia.facts import warped
from registry_core_kornia.parameters import ALIGN, RESAMPLE, Angles, Resample, Turns


class RandomHorizontalFlip(Moved):
    """Flip images and masks of a batch horizontally, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width. Equivalent to kornia.augmentation.RandomHorizontalFlip.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomHorizontalFlip"
    always_alike: ClassVar[bool] = True

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return what a flip exchanges."""
        return frozenset({"handedness", "angle"} if self.p else ())


class RandomVerticalFlip(Moved):
    """Flip images and masks of a batch vertically, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width. Equivalent to kornia.augmentation.RandomVerticalFlip.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomVerticalFlip"
    always_alike: ClassVar[bool] = True

    def alters(self, image: Image | None = None) -> frozenset[Aspect]:
        """Return what a flip exchanges."""
        return frozenset({"handedness", "upright", "angle"} if self.p else ())


class _Turned(Uncovering, Moved):
    """Base class of rotations."""

    resample: Resample = Field(default="bilinear", description=RESAMPLE)
    align_corners: bool = Field(default=True, description=ALIGN)

    def after(self, image: Image) -> Image:
        """Return the image, with black corners."""
        return warped(image, self.resample, "zeros")


class RandomRotation(_Turned):
    """Rotate images and masks of a batch by random angles around their center, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change. Positive angles rotate counter-clockwise; pixels from outside the image are 0,
    in masks `mask_fill`. Equivalent to kornia.augmentation.RandomRotation.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomRotation"
    example: ClassVar[Mapping[str, Any]] = {"degrees": 15}

    degrees: Angles = Field(
        description="Smallest and largest angle in degrees, -360 to 360; a single number d means [-d, d]."
    )


class RandomRotation90(_Turned):
    """Rotate images and masks of a batch by a random number of quarter turns, each with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width; the size does not change, so an odd number of quarter turns cuts the ends of non-square images off. Positive
    numbers rotate counter-clockwise. kornia rounds a uniform number between the smallest and the largest, so these two
    are half as likely as the others. Equivalent to kornia.augmentation.RandomRotation90.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomRotation90"
    example: ClassVar[Mapping[str, Any]] = {"times": [0, 3]}

    times: Turns = Field(description="Smallest and largest number of quarter turns, integers from -3 to 3.")
