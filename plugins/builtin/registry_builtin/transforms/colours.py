"""Colours: grayscale, RGB, jitter of brightness, contrast, saturation and hue, and channel permutation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.transforms.doubts import large_factor, no_effect, spoils, without_colours
from registry_builtin.transforms.image_facts import anywhere, coloured, greyed
from registry_builtin.transforms.parameters import Factors, Hues, TorchvisionTransform
from registry_core.components import CheckFailed, Image, RunFacts, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import Probability

_FACTOR = "a single number v means [1 - v, 1 + v], 0 means unchanged."
_HUE = (
    "Smallest and largest hue shift as a fraction of a full turn, -0.5 to 0.5; a single number v "
    "means [-v, v], 0 means unchanged."
)


class Grayscale(TorchvisionTransform):
    """Convert the image to grayscale: 0.299 red + 0.587 green + 0.114 blue.

    Input and output: a Pillow image, or a tensor [1 or 3, height, width]; the output has `num_output_channels` equal
    channels. A grayscale image keeps its values. Equivalent to torchvision.transforms.v2.Grayscale.
    """

    target = "torchvision.transforms.v2:Grayscale"

    num_output_channels: Literal[1, 3] = Field(default=1, description="Number of output channels, all equal.")

    def infer_image(self, image: Image) -> Image:
        """The output has the given number of channels."""
        if image.form != "pil" and image.channels not in (None, 1, 3):
            message = f"{self.name} expects 1 or 3 channels, but the image has {image.channels}."
            raise CheckFailed(message, "Remove grayscale, or read the images as RGB.")
        return greyed(image, self.num_output_channels).changed(mode=None)

    def belongs_everywhere(self, image: Image | None = None) -> bool:
        """Return True if there are colours to remove."""
        return image is not None and image.channels != 1


class RandomGrayscale(Transform):
    """Convert the image to grayscale with probability `p`, keeping the number of channels.

    Input and output: a Pillow image, or a tensor [1 or 3, height, width]; the output channels are equal. A grayscale
    image does not change. Draws: one number; the image is converted if it is below `p`. Equivalent to
    torchvision.transforms.v2.RandomGrayscale.
    """

    target = "registry_builtin.objects.random_colours:RandomGrayscale"
    random: ClassVar[Randomness] = "counter"

    p: Probability = Field(default=0.1, description="Probability of conversion, 0 to 1.")

    def infer_image(self, image: Image) -> Image:
        """The range may grow slightly, because torchvision's weights add up to 0.9999."""
        if image.channels not in (None, 1, 3):
            message = f"{self.name} expects 1 or 3 channels, but the image has {image.channels}."
            raise CheckFailed(message, "Remove random_grayscale, or read the images as RGB.")
        return greyed(image, image.channels)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if only some images are converted."""
        return 0 < self.p < 1

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the images are grayscale already."""
        return without_colours(self.name, facts.image)


class RGB(TorchvisionTransform):
    """Convert a grayscale image to three channels; an image with three channels does not change.

    Input and output: a Pillow image, or a tensor [1 or 3, height, width]; the output has 3 channels. Equivalent to
    torchvision.transforms.v2.RGB.
    """

    target = "torchvision.transforms.v2:RGB"

    def infer_image(self, image: Image) -> Image:
        """The output has three channels."""
        if image.form != "pil" and image.channels not in (None, 1, 3):
            message = f"rgb expects 1 or 3 channels, but the image has {image.channels}."
            raise CheckFailed(message, "Remove rgb, or read the images as RGB.")
        return image.changed(channels=3, mode=None)


class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue by random amounts, in random order.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Each amount is uniform in its range; saturation and hue do not affect grayscale images. Draws: the four amounts, the
    order. Equivalent to torchvision.transforms.v2.ColorJitter.
    """

    target = "registry_builtin.objects.random_colours:ColorJitter"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"brightness": 0.4, "contrast": 0.4, "saturation": [0.6, 1.4], "hue": 0.1}

    brightness: Factors = Field(default=(1.0, 1.0), description=f"Factor range for all values; {_FACTOR}")
    contrast: Factors = Field(
        default=(1.0, 1.0), description=f"Factor range for the difference from the mean grey; {_FACTOR}"
    )
    saturation: Factors = Field(default=(1.0, 1.0), description=f"Factor range for the difference from grey; {_FACTOR}")
    hue: Hues = Field(default=(0.0, 0.0), description=_HUE)

    def infer_image(self, image: Image) -> Image:
        """Values may lie anywhere in the range of the image's form."""
        factors = (self.brightness, self.contrast, self.saturation)
        if all(factor == (1, 1) for factor in factors) and self.hue == (0, 0):
            return image
        return anywhere(coloured(image, "color_jitter"))

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if an amount that matters for the image is drawn."""
        return any(low < high for low, high in self._amounts(image).values())

    def _amounts(self, image: Image | None) -> dict[str, tuple[float, float]]:
        """Return the amounts that change something of the image."""
        found = {name: getattr(self, name) for name in ("brightness", "contrast")}
        if image is None or image.channels != 1:
            found |= {"saturation": self.saturation, "hue": self.hue}
        return {name: amount for name, amount in found.items() if amount != ((0, 0) if name == "hue" else (1, 1))}

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of amounts that change nothing, are in another unit, or leave nothing of the image."""
        if not self._amounts(None):
            return [no_effect(self.name, "all amounts mean unchanged", remedy="Set brightness, contrast or others.")]
        return [*_colours_of_grey(self, facts.image), *_odd_factors(self)]


def _colours_of_grey(transform: ColorJitter | RandomPhotometricDistort, image: Image | None) -> list[CheckFailed]:
    """Return warnings of changes of colours that were written for images without colours."""
    written = transform.model_fields_set
    for name, unchanged in (("saturation", (1, 1)), ("hue", (0, 0))):
        changes = name in written and getattr(transform, name) != unchanged
        if changes and (found := without_colours(name, image, name)):
            return found
    return []


def _odd_factors(transform: ColorJitter | RandomPhotometricDistort) -> list[CheckFailed]:
    """Return warnings of factors that are not about 1."""
    found: list[CheckFailed] = []
    for name in ("brightness", "contrast", "saturation"):
        found += large_factor(name, getattr(transform, name))
    if transform.brightness == (0, 0):
        found.append(spoils("brightness 0 makes every image black.", "Write a range around 1.", "brightness"))
    if transform.contrast == (0, 0):
        found.append(spoils("contrast 0 leaves one grey of every image.", "Write a range around 1.", "contrast"))
    return found


class RandomPhotometricDistort(Transform):
    """Change brightness, contrast, saturation, hue and channel order, each with probability `p`.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Each amount is uniform in its range; contrast is changed before or after saturation and hue with equal probability.
    Draws: a decision and an amount for each of the four changes, the position of contrast, a decision and an order for
    the channels. Equivalent to torchvision.transforms.v2.RandomPhotometricDistort (Liu et al., "SSD: Single shot
    multibox detector", ECCV 2016).
    """

    target = "registry_builtin.objects.random_colours:RandomPhotometricDistort"
    random: ClassVar[Randomness] = "counter"

    brightness: Factors = Field(default=(0.875, 1.125), description=f"Factor range for all values; {_FACTOR}")
    contrast: Factors = Field(
        default=(0.5, 1.5), description=f"Factor range for the difference from the mean grey; {_FACTOR}"
    )
    saturation: Factors = Field(default=(0.5, 1.5), description=f"Factor range for the difference from grey; {_FACTOR}")
    hue: Hues = Field(default=(-0.05, 0.05), description=_HUE)
    p: Probability = Field(default=0.5, description="Probability of each change, 0 to 1.")

    def infer_image(self, image: Image) -> Image:
        """Values may lie anywhere in the range of the image's form."""
        return anywhere(coloured(image, "random_photometric_distort")) if self.p else image

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of amounts that change nothing, are in another unit, or leave nothing of the image."""
        return [*_colours_of_grey(self, facts.image), *_odd_factors(self)]


class RandomChannelPermutation(Transform):
    """Permute the channels at random; every order is equally likely.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype. Draws: the order. Equivalent
    to torchvision.transforms.v2.RandomChannelPermutation.
    """

    target = "registry_builtin.objects.random_colours:RandomChannelPermutation"
    random: ClassVar[Randomness] = "counter"

    def infer_image(self, image: Image) -> Image:
        """Return the image unchanged: its facts do not depend on the order."""
        return image

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if there are channels to permute."""
        return image is None or image.channels != 1

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if there is only one channel."""
        return without_colours(self.name, facts.image)
