"""Tones: inverting, solarizing, posterizing, equalizing and stretching of pixel values, each with a probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.image_facts import anywhere, coloured, tones_known, top, with_values
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import NonNegativeFloat, Probability

_P = "Probability of a change, 0 to 1."


class _Tone(Transform):
    target = "registry_builtin.objects.random_colours:Sometimes"
    random: ClassVar[Randomness] = "counter"
    function: ClassVar[str] = ""

    def arguments(self) -> dict[str, Any]:
        """The parameters, with the function of torchvision that they are for."""
        return {"function": self.function, **super().arguments()}


class RandomInvert(_Tone):
    """Turn light into dark and dark into light with probability `p`: the largest value of the form minus the pixel.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. As torchvision.transforms.v2.RandomInvert.
    """

    function: ClassVar[str] = "invert"

    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """The range is mirrored."""
        image = coloured(tones_known(image, "random_invert"), "random_invert")
        if image.low is None or image.high is None or not self.p:
            return image
        return with_values(image, top(image) - image.low, top(image) - image.high)


class RandomSolarize(_Tone):
    """Invert the pixels that are `threshold` or more, with probability `p`.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. As torchvision.transforms.v2.RandomSolarize.
    """

    function: ClassVar[str] = "solarize"
    example: ClassVar[Mapping[str, Any]] = {"threshold": 128}

    threshold: NonNegativeFloat = Field(
        description="Smallest value that is inverted: 0 to 255, or 0 to 1 for float tensors."
    )
    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values from the threshold upwards are mirrored."""
        image = coloured(tones_known(image, "random_solarize"), "random_solarize")
        if self.threshold > top(image):
            message = f"threshold {self.threshold:g} is above the largest value of a {image}."
            raise CheckFailed(message, f"Use one from 0 to {top(image):g}, or put it on the other side of to_tensor.")
        if image.low is None or image.high is None or self.threshold > image.high or not self.p:
            return image
        return with_values(image, top(image) - image.high, top(image) - max(self.threshold, image.low))


class RandomPosterize(_Tone):
    """Keep the `bits` highest bits of every pixel value, with probability `p`.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1 (of which 2 ** bits levels are
    left), [1 or 3, height, width]. Draws: one number. As torchvision.transforms.v2.RandomPosterize.
    """

    function: ClassVar[str] = "posterize"
    example: ClassVar[Mapping[str, Any]] = {"bits": 3}

    bits: Annotated[int, Field(ge=1, le=8)] = Field(description="Bits that are kept, 1 to 8.")
    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values may sink to 0."""
        return with_values(coloured(tones_known(image, "random_posterize"), "random_posterize"), 0)


class RandomEqualize(_Tone):
    """Spread the values of each channel so that all are about equally frequent, with probability `p`.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1 (which is rounded to 256
    levels), [1 or 3, height, width]. Draws: one number. As torchvision.transforms.v2.RandomEqualize.
    """

    function: ClassVar[str] = "equalize"

    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values may go anywhere in the range of the image's form."""
        return anywhere(coloured(tones_known(image, "random_equalize"), "random_equalize"))


class RandomAutocontrast(_Tone):
    """Stretch each channel so that its darkest pixel becomes 0 and its lightest the most, with probability `p`.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. As torchvision.transforms.v2.RandomAutocontrast.
    """

    function: ClassVar[str] = "autocontrast"

    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values may go anywhere in the range of the image's form."""
        return anywhere(coloured(tones_known(image, "random_autocontrast"), "random_autocontrast"))


class RandomAdjustSharpness(_Tone):
    """Sharpen or soften the image with probability `p`.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. As torchvision.transforms.v2.RandomAdjustSharpness.
    """

    function: ClassVar[str] = "adjust_sharpness"
    example: ClassVar[Mapping[str, Any]] = {"sharpness_factor": 2}

    sharpness_factor: NonNegativeFloat = Field(description="0: soft, 1: as it is, 2: sharper; at least 0.")
    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Sharpening overshoots, within the range of the image's form."""
        image = coloured(image, "random_adjust_sharpness")
        return anywhere(image) if self.sharpness_factor > 1 else image
