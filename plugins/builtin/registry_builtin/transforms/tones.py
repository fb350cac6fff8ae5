"""Tones: invert, solarize, posterize, equalize, autocontrast and sharpness, each applied with a probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from registry_builtin.transforms.doubts import no_effect, other_unit
from registry_builtin.transforms.image_facts import anywhere, coloured, tones_known, top, with_values
from registry_core.components import CheckFailed, Image, RunFacts, Transform
from registry_core.components.transform import Randomness
from registry_core.components.types import NonNegativeFloat, Probability

_P = "Probability of the change, 0 to 1."


class _Tone(Transform):
    target = "registry_builtin.objects.random_colours:Sometimes"
    random: ClassVar[Randomness] = "counter"
    function: ClassVar[str] = ""

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if only some images are changed."""
        return 0 < getattr(self, "p", 0.5) < 1

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with the name of torchvision's function."""
        return {"function": self.function, **super().arguments()}


class RandomInvert(_Tone):
    """Invert the image with probability `p`: the largest value of its form minus each pixel.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. Equivalent to torchvision.transforms.v2.RandomInvert.
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
    """Invert all pixels of at least `threshold` with probability `p`.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. Equivalent to torchvision.transforms.v2.RandomSolarize.
    """

    function: ClassVar[str] = "solarize"
    example: ClassVar[Mapping[str, Any]] = {"threshold": 128}

    threshold: NonNegativeFloat = Field(description="Smallest value to invert: 0 to 255, or 0 to 1 for float tensors.")
    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values from the threshold upwards are mirrored."""
        image = coloured(tones_known(image, "random_solarize"), "random_solarize")
        if self.threshold > top(image):
            message = f"threshold {self.threshold:g} exceeds the largest possible value of a {image}."
            raise CheckFailed(
                message,
                f"Set threshold to at most {top(image):g}, or move random_solarize to the other side of to_tensor.",
            )
        if image.low is None or image.high is None or self.threshold > image.high or not self.p:
            return image
        return with_values(image, top(image) - image.high, top(image) - max(self.threshold, image.low))

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a threshold above all values, and of one from 0 to 1 where values are from 0 to 255."""
        image = facts.image
        if image is None:
            return ()
        if image.high is not None and self.threshold > image.high:
            return [
                no_effect(self.name, f"no value of the image reaches the threshold {self.threshold:g}", "threshold")
            ]
        if image.form != "float" and 0 < self.threshold < 1:
            message = f"threshold {self.threshold:g} is a fraction, but the image has values from 0 to 255."
            return [other_unit(message, f"Set threshold to {round(255 * self.threshold)}.", "threshold")]
        return ()


class RandomPosterize(_Tone):
    """Keep the `bits` most significant bits of each pixel value with probability `p`.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1 (reduced to 2 ** bits
    levels), [1 or 3, height, width]. Draws: one number. Equivalent to torchvision.transforms.v2.RandomPosterize.
    """

    function: ClassVar[str] = "posterize"
    example: ClassVar[Mapping[str, Any]] = {"bits": 3}

    bits: Annotated[int, Field(ge=1, le=8)] = Field(description="Number of bits to keep, 1 to 8.")
    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values may decrease to 0."""
        return with_values(coloured(tones_known(image, "random_posterize"), "random_posterize"), 0)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if all bits of 8-bit images are kept."""
        image = facts.image
        if self.bits < 8 or image is None or image.form == "float":
            return ()
        return [no_effect(self.name, "it keeps all 8 bits", "bits", remedy="Set bits to 7 or less.")]


class RandomEqualize(_Tone):
    """Equalize the histogram of each channel with probability `p`.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1 (rounded to 256 levels),
    [1 or 3, height, width]. Draws: one number. Equivalent to torchvision.transforms.v2.RandomEqualize.
    """

    function: ClassVar[str] = "equalize"

    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values may lie anywhere in the range of the image's form."""
        return anywhere(coloured(tones_known(image, "random_equalize"), "random_equalize"))


class RandomAutocontrast(_Tone):
    """Stretch each channel to the full range, from its darkest to its lightest pixel, with probability `p`.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. Equivalent to torchvision.transforms.v2.RandomAutocontrast.
    """

    function: ClassVar[str] = "autocontrast"

    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Values may lie anywhere in the range of the image's form."""
        return anywhere(coloured(tones_known(image, "random_autocontrast"), "random_autocontrast"))


class RandomAdjustSharpness(_Tone):
    """Sharpen or blur the image with probability `p`.

    Input and output: a Pillow image, a uint8 tensor or a float tensor with values from 0 to 1, [1 or 3, height, width].
    Draws: one number. Equivalent to torchvision.transforms.v2.RandomAdjustSharpness.
    """

    function: ClassVar[str] = "adjust_sharpness"
    example: ClassVar[Mapping[str, Any]] = {"sharpness_factor": 2}

    sharpness_factor: NonNegativeFloat = Field(
        description="Factor of at least 0: 0 blurs, 1 has no effect, 2 sharpens."
    )
    p: Probability = Field(default=0.5, description=_P)

    def infer_image(self, image: Image) -> Image:
        """Sharpening overshoots, within the range of the image's form."""
        image = coloured(image, "random_adjust_sharpness")
        return anywhere(image) if self.sharpness_factor > 1 else image

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a factor of 1, and of one in per cent."""
        if self.sharpness_factor == 1:
            return [no_effect(self.name, "sharpness_factor is 1", "sharpness_factor")]
        if self.sharpness_factor > _MOST_SHARPNESS:
            message = f"sharpness_factor is a factor, where 1 means unchanged, but it is {self.sharpness_factor:g}."
            return [other_unit(message, "Write a factor, such as 2.", "sharpness_factor")]
        return ()


_MOST_SHARPNESS = 30.0
"""Bound on sharpness_factor: larger ones are per cent."""
