"""Colours: grey, three channels, jitter of brightness, contrast, saturation and hue, channels in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.transforms.image_facts import anywhere, coloured, greyed
from registry_builtin.transforms.parameters import Factors, Hues, TorchvisionTransform
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Probability

_FACTOR = "one number v stands for [1 - v, 1 + v], 0: unchanged."
_HUE = "Smallest and largest shift of the hue in turns, -0.5 to 0.5; one number v stands for [-v, v], 0: unchanged."


class Grayscale(TorchvisionTransform):
    """Turn colours into grey: 0.299 red + 0.587 green + 0.114 blue.

    In and out: a Pillow image, or a tensor [1 or 3, height, width]; out has `num_output_channels` equal channels. A
    grey image keeps its values. As torchvision.transforms.v2.Grayscale.
    """

    target = "torchvision.transforms.v2:Grayscale"

    num_output_channels: Literal[1, 3] = Field(default=1, description="Channels of the result, all equal.")

    def infer_image(self, image: Image) -> Image:
        """The image has the given number of channels."""
        if image.form != "pil" and image.channels not in (None, 1, 3):
            message = f"Only 1 or 3 channels can be made grey, and this image has {image.channels}."
            raise CheckFailed(message, "Remove grayscale, or read the images as RGB.")
        return greyed(image, self.num_output_channels).changed(mode=None)


class RandomGrayscale(Transform):
    """Turn colours into grey with probability `p`, with as many channels as before, all equal.

    In and out: a Pillow image, or a tensor [1 or 3, height, width]; a grey image stays as it is. Draws: one number;
    the image turns grey if it is below `p`. As torchvision.transforms.v2.RandomGrayscale.
    """

    target = "registry_builtin.objects.random_colours:RandomGrayscale"
    random: ClassVar[Randomness] = "counter"

    p: Probability = Field(default=0.1, description="Probability of grey, 0 to 1.")

    def infer_image(self, image: Image) -> Image:
        """The range may grow a little, as grey weights add up to 0.9999."""
        if image.channels not in (None, 1, 3):
            message = f"Only 1 or 3 channels can be made grey, and this image has {image.channels}."
            raise CheckFailed(message, "Remove random_grayscale, or read the images as RGB.")
        return greyed(image, image.channels)

    def warnings(self, image: Image) -> Sequence[CheckFailed]:
        """What is grey stays as it is."""
        return _of_several_channels(self.name, image)


def _of_several_channels(name: str, image: Image) -> Sequence[CheckFailed]:
    if image.channels != 1:
        return ()
    return (CheckFailed(f"{name} changes nothing of images with one channel.", "Remove it, or read them as RGB."),)


class RGB(TorchvisionTransform):
    """Make three channels of a grey image; one that has three stays as it is.

    In and out: a Pillow image, or a tensor [1 or 3, height, width]; out has 3 channels. As
    torchvision.transforms.v2.RGB.
    """

    target = "torchvision.transforms.v2:RGB"

    def infer_image(self, image: Image) -> Image:
        """The image has three channels."""
        if image.form != "pil" and image.channels not in (None, 1, 3):
            message = f"rgb works on 1 or 3 channels, and this image has {image.channels}."
            raise CheckFailed(message, "Remove rgb, or read the images as RGB.")
        return image.changed(channels=3, mode=None)


class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue by random amounts, in random order.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Amounts are uniform in their ranges; saturation and hue leave grey images as they are. Draws: the four amounts, the
    order. As torchvision.transforms.v2.ColorJitter.
    """

    target = "registry_builtin.objects.random_colours:ColorJitter"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"brightness": 0.4, "contrast": 0.4, "saturation": [0.6, 1.4], "hue": 0.1}

    brightness: Factors = Field(default=(1.0, 1.0), description=f"Factors of all values; {_FACTOR}")
    contrast: Factors = Field(default=(1.0, 1.0), description=f"Factors of the distance to the mean grey; {_FACTOR}")
    saturation: Factors = Field(default=(1.0, 1.0), description=f"Factors of the distance to grey; {_FACTOR}")
    hue: Hues = Field(default=(0.0, 0.0), description=_HUE)

    def infer_image(self, image: Image) -> Image:
        """Values may go anywhere in the range of the image's form."""
        factors = (self.brightness, self.contrast, self.saturation)
        if all(factor == (1, 1) for factor in factors) and self.hue == (0, 0):
            return image
        return anywhere(coloured(image, "color_jitter"))


class RandomPhotometricDistort(Transform):
    """Change brightness, contrast, saturation, hue and the order of channels, each with probability `p`.

    In and out: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Amounts are uniform in their ranges; contrast comes before saturation and hue, or after them, equally often. Draws:
    whether and how much for each of the four, the place of contrast, whether and how channels are permuted. As
    torchvision.transforms.v2.RandomPhotometricDistort (Liu et al., "SSD: Single shot multibox detector", ECCV 2016).
    """

    target = "registry_builtin.objects.random_colours:RandomPhotometricDistort"
    random: ClassVar[Randomness] = "counter"

    brightness: Factors = Field(default=(0.875, 1.125), description=f"Factors of all values; {_FACTOR}")
    contrast: Factors = Field(default=(0.5, 1.5), description=f"Factors of the distance to the mean grey; {_FACTOR}")
    saturation: Factors = Field(default=(0.5, 1.5), description=f"Factors of the distance to grey; {_FACTOR}")
    hue: Hues = Field(default=(-0.05, 0.05), description=_HUE)
    p: Probability = Field(default=0.5, description="Probability of each change, 0 to 1.")

    def infer_image(self, image: Image) -> Image:
        """Values may go anywhere in the range of the image's form."""
        return anywhere(coloured(image, "random_photometric_distort")) if self.p else image


class RandomChannelPermutation(Transform):
    """Put the channels into random order; every order is equally likely.

    In and out: a Pillow image, or a tensor [channels, height, width] of any type. Draws: the order. As
    torchvision.transforms.v2.RandomChannelPermutation.
    """

    target = "registry_builtin.objects.random_colours:RandomChannelPermutation"
    random: ClassVar[Randomness] = "counter"

    def infer_image(self, image: Image) -> Image:
        """Nothing that is known of the image changes."""
        return image

    def warnings(self, image: Image) -> Sequence[CheckFailed]:
        """One channel has one order only."""
        return _of_several_channels(self.name, image)
