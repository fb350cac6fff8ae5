"""Flips, and turns by angles and by quarters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Image
from registry_core_kornia.declaring import Moved
from registry_core_kornia.facts import warped
from registry_core_kornia.parameters import ALIGN, RESAMPLE, Angles, Resample, Turns


class RandomHorizontalFlip(Moved):
    """Flip images of a batch from left to right, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width. As
    kornia.augmentation.RandomHorizontalFlip.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomHorizontalFlip"


class RandomVerticalFlip(Moved):
    """Flip images of a batch from top to bottom, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width. As
    kornia.augmentation.RandomVerticalFlip.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomVerticalFlip"


class _Turned(Moved):
    """What turns share."""

    resample: Resample = Field(default="bilinear", description=RESAMPLE)
    align_corners: bool = Field(default=True, description=ALIGN)

    def after(self, image: Image) -> Image:
        """Corners show black."""
        return warped(image, self.resample, "zeros")


class RandomRotation(_Turned):
    """Turn images of a batch by random angles about their middle, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays. Positive angles turn counter-clockwise; what was outside of the image is 0. As
    kornia.augmentation.RandomRotation.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomRotation"
    example: ClassVar[Mapping[str, Any]] = {"degrees": 15}

    degrees: Angles = Field(
        description="Smallest and largest angle in degrees, -360 to 360; one number d stands for [-d, d]."
    )


class RandomRotation90(_Turned):
    """Turn images of a batch by a random number of quarters, each with probability `p`, and masks with them.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width; the
    size stays, so that of images that are not square an odd number of quarters cuts the ends off. Positive numbers
    turn counter-clockwise. kornia rounds a number that is uniform from the smallest to the largest: those two come
    half as often as others. As kornia.augmentation.RandomRotation90.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomRotation90"
    example: ClassVar[Mapping[str, Any]] = {"times": [0, 3]}

    times: Turns = Field(description="Smallest and largest number of quarter turns, whole numbers from -3 to 3.")
