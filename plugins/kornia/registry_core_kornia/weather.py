"""Weather: rain and snow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Image
from registry_core.components.types import Probability
from registry_core_kornia.declaring import Change, Colour
from registry_core_kornia.facts import least, with_values
from registry_core_kornia.parameters import AmountsFrom1, Counts, Lengths, Offsets, P, Parts

DROP = 200 / 255
"""Pixel value of a drop."""


class RandomRain(Change):
    """Add rain to images of a batch: short gray lines, equal within an image, each image with probability `p`.

    Input and output: float images [batch, 1 or 3, height, width], values from 0 to 1, larger than the drops. Equivalent
    to kornia.augmentation.RandomRain.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomRain"
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    needs_0_to_1: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"number_of_drops": [2, 5], "drop_height": [1, 3], "drop_width": [-2, 2]}

    number_of_drops: Counts = Field(default=(1000, 2000), description="Smallest and largest number of drops per image.")
    drop_height: Lengths = Field(
        default=(5, 20), description="Smallest and largest height of drops in pixels, below that of the image."
    )
    drop_width: Offsets = Field(
        default=(-5, 5),
        description="Smallest and largest width of drops in pixels, below that of the image; negative: opposite slant.",
    )

    def after(self, image: Image) -> Image:
        """Return the image with drops; raise CheckFailed if drops may be larger than the image."""
        sides = (self.drop_height[1] + 1, max(map(abs, self.drop_width)) + 1)
        least(image, self.name, sides, " for these drops", "Use smaller drop_height and drop_width, or larger images.")
        return with_values(image, DROP)


class RandomSnow(Colour):
    """Add snow to the darker pixels of images of a batch, each image with probability `p`.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomSnow.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSnow"
    channels: ClassVar[tuple[int, ...]] = (3,)

    p: Probability = Field(default=1.0, description=P)
    snow_coefficient: Parts = Field(
        default=(0.5, 0.5), description="Smallest and largest lightness below which snow is added, 0 to 1."
    )
    brightness: AmountsFrom1 = Field(
        default=(2.0, 2.0), description="Smallest and largest factor of the lightness of snow, at least 1."
    )
