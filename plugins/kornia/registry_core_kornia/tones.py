"""Tones: pixel values, changed individually or by their frequency; and normalization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, ParameterError
from registry_core.components.types import PositiveFloat, Probability
from registry_core_kornia.declaring import Change, Colour, KorniaTransform
from registry_core_kornia.facts import anywhere, from_0_to_1, least, unbounded, with_values
from registry_core_kornia.parameters import (
    P_BATCH,
    Amounts,
    Bits,
    Factors,
    FactorsTo2,
    Hues,
    Kernel,
    P,
    Thresholds,
    UpTo,
)

_CLIP = "If true, input and output values are from 0 to 1; otherwise any values are allowed."
_ONE = "a single number v means [1 - v, 1 + v]"


class _Clipped(Change):
    """Base class of changes that optionally clamp values to the range from 0 to 1."""

    p: Probability = Field(default=1.0, description=P)
    clip_output: bool = Field(default=True, description=_CLIP)

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1, or with an unknown range."""
        return anywhere(from_0_to_1(image, self.name)) if self.clip_output else unbounded(image)


class RandomBrightness(_Clipped):
    """Add a random number to the values of images of a batch, each with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1 (any without `clip_output`).
    Equivalent to kornia.augmentation.RandomBrightness.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomBrightness"
    example: ClassVar[Mapping[str, Any]] = {"brightness": 0.2}

    brightness: FactorsTo2 = Field(
        default=(1.0, 1.0), description=f"Smallest and largest factor f, 0 to 2, of which f - 1 is added; {_ONE}."
    )


class RandomContrast(_Clipped):
    """Multiply the values of images of a batch by a random factor, each with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1 (any without `clip_output`).
    Equivalent to kornia.augmentation.RandomContrast.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomContrast"
    example: ClassVar[Mapping[str, Any]] = {"contrast": [0.7, 1.3]}

    contrast: Factors = Field(
        default=(1.0, 1.0), description=f"Smallest and largest factor of values, at least 0; {_ONE}."
    )


class RandomGamma(Colour):
    """Apply a random gamma and gain to the values of images of a batch, each image with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomGamma.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGamma"
    example: ClassVar[Mapping[str, Any]] = {"gamma": [0.7, 1.5]}

    p: Probability = Field(default=1.0, description=P)
    gamma: Amounts = Field(default=(1.0, 1.0), description="Smallest and largest exponent, at least 0.")
    gain: Amounts = Field(default=(1.0, 1.0), description="Smallest and largest factor, at least 0.")


class RandomAutoContrast(Change):
    """Stretch the values of each channel of images of a batch to 0 to 1, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomAutoContrast.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomAutoContrast"

    p: Probability = Field(default=1.0, description=P)
    clip_output: bool = Field(default=True, description="Has no effect: stretched values are from 0 to 1 anyway.")

    def after(self, image: Image) -> Image:
        """Return the image with a range that includes 0 to 1."""
        return anywhere(image)


class RandomEqualize(Colour):
    """Equalize the histogram of each channel of images of a batch, each image with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomEqualize.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomEqualize"
    sums_whole_numbers: ClassVar[bool] = True


class RandomClahe(Colour):
    """Equalize the histograms of tiles of images of a batch, with limited contrast, each with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomClahe.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomClahe"
    sums_whole_numbers: ClassVar[bool] = True
    example: ClassVar[Mapping[str, Any]] = {"clip_limit": [10, 40], "grid_size": [2, 2]}

    clip_limit: Amounts = Field(
        default=(40.0, 40.0), description="Smallest and largest limit of contrast, at least 0; 0: none."
    )
    grid_size: Kernel = Field(
        default=(8, 8), description="Rows and columns of tiles, fewer than pixels; a single number sets both."
    )

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1; raise CheckFailed if there are more tiles than pixels."""
        sides = (self.grid_size[0] + 1, self.grid_size[1] + 1)
        why = f" for {self.grid_size[0]} x {self.grid_size[1]} tiles"
        least(image, self.name, sides, why, "Use fewer tiles in grid_size, or larger images.")
        return super().after(image)


class RandomInvert(Change):
    """Invert the values of images of a batch, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomInvert.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomInvert"

    max_val: float = Field(default=1.0, description="Largest value, from which the others are subtracted.")

    def after(self, image: Image) -> Image:
        """Return the image with a range that includes inverted values."""
        if image.low is None or image.high is None:
            return image
        return with_values(image, self.max_val - image.low, self.max_val - image.high)


class RandomPosterize(Colour):
    """Reduce the number of bits of the values of images of a batch, each image with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1. The number of bits is rounded.
    Equivalent to kornia.augmentation.RandomPosterize.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomPosterize"

    bits: Bits = Field(
        default=3.0, description="Smallest and largest number of bits to keep, 0 to 8; a single number b means [b, 8]."
    )


class RandomSolarize(Colour):
    """Add a random number to the values of images of a batch, and invert those above a threshold.

    Input and output: float images [batch, channels, height, width], values from 0 to 1; each image is changed with
    probability `p`. Equivalent to kornia.augmentation.RandomSolarize.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSolarize"

    thresholds: Thresholds = Field(
        default=0.1,
        description="Smallest and largest threshold, 0 to 1; a single number v means [0.5 - v, 0.5 + v].",
    )
    additions: Hues = Field(
        default=0.1, description="Smallest and largest number to add, -0.5 to 0.5; a single number v means [-v, v]."
    )


class RandomSharpness(Colour):
    """Blur or sharpen images of a batch by a random factor, each with probability `p`.

    Input and output: float images [batch, channels, height, width], values from 0 to 1, of at least 3 x 3 pixels. A
    factor of 0 blurs, 1 changes nothing, and larger factors sharpen. Equivalent to kornia.augmentation.RandomSharpness.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSharpness"

    sharpness: UpTo = Field(
        default=0.5, description="Smallest and largest factor, at least 0; a single number v means [0, v]."
    )

    def after(self, image: Image) -> Image:
        """Return the image with any values from 0 to 1; raise CheckFailed if images are too small."""
        least(image, self.name, (3, 3), "", f"Remove {self.name}, or resize before it.")
        return super().after(image)


class _Normalised(KorniaTransform):
    """Base class of normalization and its inverse."""

    example: ClassVar[Mapping[str, Any]] = {"mean": [0.3], "std": [0.35]}

    p: Probability = Field(default=1.0, description=P_BATCH)
    mean: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        description="Mean of each channel, or one for all, for image values from 0 to 1."
    )
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = Field(
        description="Standard deviation of each channel, above 0, or one for all."
    )

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ParameterError(
                f"`mean` has {len(self.mean)} values, but std has {len(self.std)}", "Write the same number for both"
            )
        return self

    def after(self, image: Image) -> Image:
        """Return the image with a shifted and scaled range; raise CheckFailed if the number of values is wrong."""
        if image.channels is not None and len(self.mean) not in (1, image.channels):
            message = (
                f"{self.name} has {len(self.mean)} values of mean and std, but the images have "
                f"{image.channels} channels."
            )
            raise CheckFailed(message, "Write one value, or one per channel.")
        if image.low is None or image.high is None or self.p == 0:
            return image
        ends = [
            self.moved(end, *one) for one in zip(self.mean, self.std, strict=True) for end in (image.low, image.high)
        ]
        moved = image.changed(low=min(ends), high=max(ends))
        return moved if self.p == 1 else with_values(moved, image.low, image.high)

    @staticmethod
    def moved(value: float, mean: float, std: float) -> float:
        """Return the transformed value."""
        raise NotImplementedError


class Normalize(_Normalised):
    """Subtract the mean from each channel of the images of a batch, and divide by the standard deviation.

    Input and output: float images [batch, channels, height, width]. If images are normalized on the device, colors can
    be changed there first. Equivalent to kornia.augmentation.Normalize.
    """

    target: ClassVar[str] = "kornia.augmentation:Normalize"

    @staticmethod
    def moved(value: float, mean: float, std: float) -> float:
        """Return the transformed value."""
        return (value - mean) / std


class Denormalize(_Normalised):
    """Multiply each channel of the images of a batch by the standard deviation, and add the mean.

    Input and output: float images [batch, channels, height, width]. Inverts normalize, so that colors can be changed.
    Equivalent to kornia.augmentation.Denormalize.
    """

    target: ClassVar[str] = "kornia.augmentation:Denormalize"

    @staticmethod
    def moved(value: float, mean: float, std: float) -> float:
        """Return the transformed value."""
        return value * std + mean
