"""Degradations: blur, noise, compression, and erased rectangles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Image
from registry_core.components.types import NonNegativeFloat, Probability
from registry_core_kornia.declaring import Change, Colour, Moved
from registry_core_kornia.facts import filtered, unbounded, with_values
from registry_core_kornia.parameters import (
    BORDER,
    KERNEL,
    AmountsAbove0,
    Angles,
    Border,
    Direction,
    Kernel,
    MotionKernel,
    OddKernel,
    P,
    PartOrParts,
    Parts,
    Quality,
    Resample,
)


class RandomBoxBlur(Change):
    """Average images of a batch over rectangles, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values. As kornia.augmentation.RandomBoxBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomBoxBlur"

    kernel_size: Kernel = Field(default=(3, 3), description=KERNEL)
    border_type: Border = Field(default="reflect", description=BORDER)
    normalized: bool = Field(
        default=True, description="Whether it is computed along height and width in turn, which is faster."
    )

    def after(self, image: Image) -> Image:
        """Values are means; CheckFailed if the border is wider than the image."""
        return filtered(image, self.name, self.kernel_size, self.border_type)


class RandomGaussianBlur(Change):
    """Blur images of a batch by a Gaussian of random width, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values. As kornia.augmentation.RandomGaussianBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGaussianBlur"
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 3, "sigma": [0.1, 2.0]}

    kernel_size: OddKernel = Field(
        description="Height and width of the kernel in pixels, both odd; one number stands for both."
    )
    sigma: AmountsAbove0 = Field(description="Smallest and largest standard deviation in pixels, above 0.")
    border_type: Border = Field(default="reflect", description=BORDER)
    separable: bool = Field(
        default=True, description="Whether it is computed along height and width in turn, which is faster."
    )

    def after(self, image: Image) -> Image:
        """Values are means; CheckFailed if the border is wider than the image."""
        return filtered(image, self.name, self.kernel_size, self.border_type)


class RandomMedianBlur(Change):
    """Give each pixel of images of a batch the median of those around it, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values. As kornia.augmentation.RandomMedianBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMedianBlur"
    sums_whole_numbers: ClassVar[bool] = True

    kernel_size: OddKernel = Field(
        default=(3, 3), description="Height and width of the kernel in pixels, both odd; one number stands for both."
    )

    def after(self, image: Image) -> Image:
        """Values are those of other pixels; CheckFailed if the border is wider than the image."""
        return filtered(image, self.name, self.kernel_size, "reflect")


class RandomMotionBlur(Change):
    """Blur images of a batch along a line, as if the camera had moved, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values. The length is one for the batch. As
    kornia.augmentation.RandomMotionBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMotionBlur"
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 3, "angle": 45, "direction": 0.5}

    kernel_size: MotionKernel = Field(
        description="Length in pixels, odd and at least 3, or the smallest and the largest."
    )
    angle: Angles = Field(
        description="Smallest and largest angle in degrees, counter-clockwise; one number d stands for [-d, d]."
    )
    direction: Direction = Field(
        description="Where the weight lies: -1 at the back, 0 all over, 1 in front: smallest and largest; one number d "
        "stands for [-d, d]."
    )
    border_type: Border = Field(default="constant", description=BORDER)
    resample: Resample = Field(default="nearest", description="How the line is turned.")

    def after(self, image: Image) -> Image:
        """Values are means; CheckFailed if the border is wider than the image."""
        longest = self.kernel_size if isinstance(self.kernel_size, int) else self.kernel_size[1]
        side = longest if longest % 2 else longest - 1
        after = filtered(image, self.name, (side, side), self.border_type)
        return unbounded(after) if self.resample == "bicubic" else after


class RandomGaussianNoise(Change):
    """Add numbers of a normal distribution to images of a batch, each image with probability `p`.

    In and out: float images [batch, channels, height, width] of any values, which are not cut. As
    kornia.augmentation.RandomGaussianNoise.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGaussianNoise"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.1}

    mean: float = Field(default=0.0, description="Mean of the noise.")
    std: NonNegativeFloat = Field(default=1.0, description="Standard deviation of the noise, at least 0.")

    def after(self, image: Image) -> Image:
        """Values may go anywhere."""
        return unbounded(image)


class RandomSaltAndPepperNoise(Change):
    """Turn random pixels of images of a batch white or black, each image with probability `p`.

    In and out: float images [batch, 1 or 3, height, width], values from 0 to 1. As
    kornia.augmentation.RandomSaltAndPepperNoise.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSaltAndPepperNoise"
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    needs_0_to_1: ClassVar[bool] = True

    amount: PartOrParts = Field(
        default=(0.01, 0.06), description="Smallest and largest part of pixels, 0 to 1; one number stands for both."
    )
    salt_vs_pepper: PartOrParts = Field(
        default=(0.4, 0.6), description="Smallest and largest part of them that turns white; one number: both."
    )

    def after(self, image: Image) -> Image:
        """Values may be 0 and 1."""
        return with_values(image, 0.0, 1.0)


class RandomJPEG(Colour):
    """Show what JPEG leaves of images of a batch, each image with probability `p`.

    In and out: float images [batch, 3, height, width], values from 0 to 1. As kornia.augmentation.RandomJPEG.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomJPEG"
    channels: ClassVar[tuple[int, ...]] = (3,)

    p: Probability = Field(default=1.0, description=P)
    jpeg_quality: Quality = Field(
        default=50.0,
        description="Smallest and largest quality, 1 to 100; one number v, 0 to 50, stands for [50 - v, 50 + v].",
    )


class RandomErasing(Moved):
    """Give a random rectangle of images of a batch one value, each image with probability `p`; masks 0.

    In and out: float images [batch, channels, height, width] of any values, and masks of their height and width. As
    kornia.augmentation.RandomErasing (Zhong et al., "Random erasing data augmentation", AAAI 2020), which erases masks.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomErasing"

    scale: Parts = Field(
        default=(0.02, 0.33), description="Smallest and largest area of the rectangle, as a part of the image's area."
    )
    ratio: AmountsAbove0 = Field(
        default=(0.3, 3.3), description="Smallest and largest height divided by width, above 0."
    )
    value: Probability = Field(default=0.0, description="Value of erased pixels, 0 to 1.")

    def build(self) -> Callable[..., Any]:
        """The augmentation, for batches, and the masks in them."""
        from registry_core_kornia.objects.adapters import Erased

        return Erased(self, self.make(), self.mask_flags)

    def after(self, image: Image) -> Image:
        """Erased pixels have the value."""
        return with_values(image, self.value)
