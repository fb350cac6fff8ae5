"""Degradations: blur, noise, compression, and erased rectangles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Image
from registry_core.components.types import NonNegativeFloat, Probability
from registry_core_kornia.declaring import Change, Colour, Moved, Uncovering
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
    """Blur images of a batch with a box filter, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomBoxBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomBoxBlur"

    kernel_size: Kernel = Field(default=(3, 3), description=KERNEL)
    border_type: Border = Field(default="reflect", description=BORDER)
    normalized: bool = Field(
        default=True, description="If true, it is computed separately along height and width, which is faster."
    )

    def after(self, image: Image) -> Image:
        """Return the image after averaging; raise CheckFailed if the border is wider than the image."""
        return filtered(image, self.name, self.kernel_size, self.border_type)


class RandomGaussianBlur(Change):
    """Blur images of a batch with a Gaussian of random width, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomGaussianBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGaussianBlur"
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 3, "sigma": [0.1, 2.0]}

    kernel_size: OddKernel = Field(
        description="Height and width of the kernel in pixels, both odd; a single number sets both."
    )
    sigma: AmountsAbove0 = Field(description="Smallest and largest standard deviation in pixels, above 0.")
    border_type: Border = Field(default="reflect", description=BORDER)
    separable: bool = Field(
        default=True, description="If true, it is computed separately along height and width, which is faster."
    )

    def after(self, image: Image) -> Image:
        """Return the image after averaging; raise CheckFailed if the border is wider than the image."""
        return filtered(image, self.name, self.kernel_size, self.border_type)


class RandomMedianBlur(Change):
    """Replace each pixel of images of a batch by the median of its neighborhood, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. Equivalent to
    kornia.augmentation.RandomMedianBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMedianBlur"
    sums_whole_numbers: ClassVar[bool] = True

    kernel_size: OddKernel = Field(
        default=(3, 3), description="Height and width of the kernel in pixels, both odd; a single number sets both."
    )

    def after(self, image: Image) -> Image:
        """Return the image after the filter; raise CheckFailed if the border is wider than the image."""
        return filtered(image, self.name, self.kernel_size, "reflect")


class RandomMotionBlur(Change):
    """Blur images of a batch along a line, as if the camera had moved, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values. The length is the same for the whole
    batch. Equivalent to kornia.augmentation.RandomMotionBlur.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomMotionBlur"
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 3, "angle": 45, "direction": 0.5}

    kernel_size: MotionKernel = Field(
        description="Length in pixels, odd and at least 3, or the smallest and the largest."
    )
    angle: Angles = Field(
        description="Smallest and largest angle in degrees, counter-clockwise; a single number d means [-d, d]."
    )
    direction: Direction = Field(
        description="Smallest and largest position of the weight: -1 back, 0 uniform, 1 front; a single number d means "
        "[-d, d]."
    )
    border_type: Border = Field(default="constant", description=BORDER)
    resample: Resample = Field(default="nearest", description="Interpolation mode for rotating the line.")

    def after(self, image: Image) -> Image:
        """Return the image after averaging; raise CheckFailed if the border is wider than the image."""
        longest = self.kernel_size if isinstance(self.kernel_size, int) else self.kernel_size[1]
        side = longest if longest % 2 else longest - 1
        after = filtered(image, self.name, (side, side), self.border_type)
        return unbounded(after) if self.resample == "bicubic" else after


class RandomGaussianNoise(Change):
    """Add Gaussian noise to images of a batch, each image with probability `p`.

    Input and output: float images [batch, channels, height, width] of any values; the result is not clamped. Equivalent
    to kornia.augmentation.RandomGaussianNoise.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomGaussianNoise"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.1}

    mean: float = Field(default=0.0, description="Mean of the noise.")
    std: NonNegativeFloat = Field(default=1.0, description="Standard deviation of the noise, at least 0.")

    def after(self, image: Image) -> Image:
        """Return the image with an unknown range of values."""
        return unbounded(image)


class RandomSaltAndPepperNoise(Change):
    """Set random pixels of images of a batch to white or black, each image with probability `p`.

    Input and output: float images [batch, 1 or 3, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomSaltAndPepperNoise.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomSaltAndPepperNoise"
    channels: ClassVar[tuple[int, ...]] = (1, 3)
    needs_0_to_1: ClassVar[bool] = True

    amount: PartOrParts = Field(
        default=(0.01, 0.06),
        description="Smallest and largest fraction of changed pixels, 0 to 1; a single number sets both.",
    )
    salt_vs_pepper: PartOrParts = Field(
        default=(0.4, 0.6),
        description="Smallest and largest fraction of them that become white; a single number sets both.",
    )

    def after(self, image: Image) -> Image:
        """Return the image with a range that includes 0 and 1."""
        return with_values(image, 0.0, 1.0)


class RandomJPEG(Colour):
    """Apply JPEG compression to images of a batch, each image with probability `p`.

    Input and output: float images [batch, 3, height, width], values from 0 to 1. Equivalent to
    kornia.augmentation.RandomJPEG.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomJPEG"
    channels: ClassVar[tuple[int, ...]] = (3,)

    p: Probability = Field(default=1.0, description=P)
    jpeg_quality: Quality = Field(
        default=50.0,
        description="Smallest and largest quality, 1 to 100; a single number v, 0 to 50, means [50 - v, 50 + v].",
    )


class RandomErasing(Uncovering, Moved):
    """Erase a random rectangle of images of a batch, each image with probability `p`; masks get `mask_fill`.

    Input and output: float images [batch, channels, height, width] of any values, and masks of the same height and
    width. Equivalent to kornia.augmentation.RandomErasing (Zhong et al., "Random erasing data augmentation", AAAI
    2020), which erases masks with 0.
    """

    target: ClassVar[str] = "kornia.augmentation:RandomErasing"

    scale: Parts = Field(
        default=(0.02, 0.33),
        description="Smallest and largest area of the rectangle, as a fraction of the image's area.",
    )
    ratio: AmountsAbove0 = Field(
        default=(0.3, 3.3), description="Smallest and largest height divided by width, above 0."
    )
    value: Probability = Field(default=0.0, description="Value of erased pixels, 0 to 1.")

    def build(self) -> Callable[..., Any]:
        """Build the augmentation for batches and their masks."""
        from registry_core_kornia.objects.adapters import Erased

        return Erased(self, self.make(), self.mask_flags)

    def after(self, image: Image) -> Image:
        """Return the image with a range that includes the value of erased pixels."""
        return with_values(image, self.value)
