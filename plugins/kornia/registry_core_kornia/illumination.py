"""Light and shade that differ over the image: gradients, spots, and clouds."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from registry_core_kornia.declaring import Colour
from registry_core_kornia.parameters import Amounts, PartOrParts, Parts, Shifts, Signs

_GAIN = "Smallest and largest change of a value, 0 to 1; one number stands for both."
_SIGN = "Range of a number of which the sign counts: below 0 darkens, else brightens; [-1, 1]: both as often."
_ROUGHNESS = "Smallest and largest roughness of the clouds, 0 to 1."


class RandomGaussianIllumination(Colour):
    """Brighten or darken a spot of images of a batch, each image with probability `p`.

    In and out: float images [batch, channels, height, width], values from 0 to 1. As
    kornia.augmentation.RandomGaussianIllumination.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGaussianIllumination"

    gain: PartOrParts = Field(default=(0.01, 0.15), description=_GAIN)
    center: PartOrParts = Field(
        default=(0.1, 0.9),
        description="Smallest and largest place of the middle, as a part of height and width; one number: both.",
    )
    sigma: PartOrParts = Field(
        default=(0.2, 1.0),
        description="Smallest and largest standard deviation, as a part of height and width; one number: both.",
    )
    sign: Signs = Field(default=(-1.0, 1.0), description=_SIGN)


class RandomLinearIllumination(Colour):
    """Brighten or darken images of a batch towards a side, each image with probability `p`.

    In and out: float images [batch, channels, height, width], values from 0 to 1. The side is drawn. As
    kornia.augmentation.RandomLinearIllumination.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomLinearIllumination"

    gain: PartOrParts = Field(default=(0.01, 0.2), description=_GAIN)
    sign: Signs = Field(default=(-1.0, 1.0), description=_SIGN)


class RandomLinearCornerIllumination(Colour):
    """Brighten or darken images of a batch towards a corner, each image with probability `p`.

    In and out: float images [batch, channels, height, width], values from 0 to 1. The corner is drawn. As
    kornia.augmentation.RandomLinearCornerIllumination.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomLinearCornerIllumination"

    gain: PartOrParts = Field(default=(0.01, 0.2), description=_GAIN)
    sign: Signs = Field(default=(-1.0, 1.0), description=_SIGN)


class RandomPlasmaBrightness(Colour):
    """Brighten and darken images of a batch as clouds would, each image with probability `p`.

    In and out: float images [batch, channels, height, width], values from 0 to 1. Clouds are drawn for each channel by
    the diamond-square algorithm. As kornia.augmentation.RandomPlasmaBrightness (Nicolaou et al., "TorMentor:
    Deterministic dynamic-path, data augmentations with fractals", 2022).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPlasmaBrightness"

    roughness: Parts = Field(default=(0.1, 0.7), description=_ROUGHNESS)
    intensity: Amounts = Field(default=(0.0, 1.0), description="Smallest and largest change of a value, at least 0.")


class RandomPlasmaContrast(Colour):
    """Change the contrast of images of a batch as clouds would, each image with probability `p`.

    In and out: float images [batch, channels, height, width], values from 0 to 1. Clouds are drawn for each channel by
    the diamond-square algorithm. As kornia.augmentation.RandomPlasmaContrast (Nicolaou et al., "TorMentor:
    Deterministic dynamic-path, data augmentations with fractals", 2022).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPlasmaContrast"

    roughness: Parts = Field(default=(0.1, 0.7), description=_ROUGHNESS)


class RandomPlasmaShadow(Colour):
    """Let shadows of clouds fall on images of a batch, each image with probability `p`.

    In and out: float images [batch, channels, height, width], values from 0 to 1. Clouds are drawn by the
    diamond-square algorithm, and are the same for all channels. As kornia.augmentation.RandomPlasmaShadow (Nicolaou et
    al., "TorMentor: Deterministic dynamic-path, data augmentations with fractals", 2022).
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPlasmaShadow"

    roughness: Parts = Field(default=(0.1, 0.7), description=_ROUGHNESS)
    shade_intensity: Shifts = Field(
        default=(-1.0, 0.0), description="Smallest and largest number added in the shade, -1 to 1; below 0: darker."
    )
    shade_quantity: Parts = Field(default=(0.0, 1.0), description="Smallest and largest part in the shade, 0 to 1.")
