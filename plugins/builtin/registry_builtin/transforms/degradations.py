"""Degradations: blur, noise, JPEG compression, erased rectangles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from registry_builtin.transforms.doubts import far_values, no_effect, other_unit, spoils
from registry_builtin.transforms.image_facts import anywhere, as_tensor, coloured, in_range, not_float, with_values
from registry_builtin.transforms.parameters import Kernel, Quality, Sigmas, TorchvisionTransform
from registry_core.components import CheckFailed, Image, ParameterError, RunFacts, Transform
from registry_core.components.forms import counted
from registry_core.components.transform import Randomness
from registry_core.components.types import NUMBER, NonNegativeFloat, OrderedPair, Probability, one_or_list


class GaussianBlur(Transform):
    """Blur the image with a Gaussian kernel of random standard deviation.

    Input and output: a Pillow image, or a tensor [channels, height, width] of any dtype; edges are mirrored. The
    standard deviation is uniform in `sigma`. Draws: the standard deviation. Equivalent to
    torchvision.transforms.v2.GaussianBlur.
    """

    target = "registry_builtin.objects.random_degradations:GaussianBlur"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"kernel_size": 3, "sigma": [0.1, 1.0]}

    kernel_size: Kernel = Field(
        description="Width and height of the kernel in pixels, both odd; a single number sets both."
    )
    sigma: Sigmas = Field(
        default=(0.1, 2.0),
        description="Smallest and largest standard deviation in pixels, above 0; a single number sets both.",
    )

    def infer_image(self, image: Image) -> Image:
        """Return the image unchanged; CheckFailed if the kernel is too large for it."""
        for name, side, kernel in (
            ("width", image.width, self.kernel_size[0]),
            ("height", image.height, self.kernel_size[1]),
        ):
            if side is not None and kernel // 2 >= side:
                message = (
                    f"A kernel of {kernel} pixels requires a {name} of more than {kernel // 2} pixels, not {side}."
                )
                raise CheckFailed(message, "Set a smaller kernel_size, or resize before it.")
        return image

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if standard deviations differ."""
        return self.sigma[0] < self.sigma[1] and self.kernel_size != (1, 1)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a kernel of one pixel, and of standard deviations that change no 8-bit value."""
        if self.kernel_size == (1, 1):
            return [no_effect(self.name, "a kernel of one pixel blurs nothing", "kernel_size")]
        if self.sigma[1] < _LEAST_SIGMA:
            return [no_effect(self.name, f"sigma {self.sigma[1]:g} pixels blurs nothing", "sigma")]
        return ()


_LEAST_SIGMA = 0.25
"""Below, the weight of a neighbour is under 1/2500: no 8-bit value changes."""


class GaussianNoise(TorchvisionTransform):
    """Add Gaussian noise to every pixel.

    Input and output: a uint8 tensor or a float tensor [channels, height, width]. `mean` and `sigma` are fractions of
    the full range (1 for float, 255 for uint8). torchvision draws its own random numbers, from generators seeded for
    the sample. Equivalent to torchvision.transforms.v2.GaussianNoise.
    """

    target = "torchvision.transforms.v2:GaussianNoise"
    random: ClassVar[Randomness] = "generators"
    example: ClassVar[Mapping[str, Any]] = {"sigma": 0.05}

    mean: float = Field(default=0.0, description="Mean of the noise, as a fraction of the full range.")
    sigma: NonNegativeFloat = Field(
        default=0.1, description="Standard deviation of the noise, as a fraction of the full range; at least 0."
    )
    clip: bool = Field(default=True, description="If true, values are clipped to 0 to 1, or to 0 to 255 for uint8.")

    def infer_image(self, image: Image) -> Image:
        """Values may lie anywhere in the range of the image's form; without `clip`, anywhere at all."""
        image = as_tensor(image, "gaussian_noise")
        if self.clip:
            remedy = "Put it before normalize, or set clip: false."
            return anywhere(in_range(image, "gaussian_noise with clip: true", remedy))
        if image.form == "uint8":
            raise CheckFailed(
                "With clip: false, uint8 values overflow.", "Remove clip, or put to_tensor before gaussian_noise."
            )
        return image.changed(low=None, high=None)

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if the noise has a spread."""
        return self.sigma > 0

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of noise that is 0, and of amounts that exceed the full range."""
        if self.sigma == self.mean == 0:
            return [no_effect(self.name, "mean and sigma are 0", "sigma")]
        for name in ("sigma", "mean"):
            amount = getattr(self, name)
            if abs(amount) > 1:
                message = f"{name} is a fraction of the full range, 1 for all of it, but it is {amount:g}."
                return [other_unit(message, f"Write {amount / 255:.2g} for {amount:g} of 255.", name)]
        return ()


class JPEG(Transform):
    """Apply JPEG compression, which adds its typical artefacts.

    Input and output: a Pillow image or a uint8 tensor, [1 or 3, height, width]. Every quality from the smallest to the
    largest is equally likely. Draws: the quality. Equivalent to torchvision.transforms.v2.JPEG.
    """

    target = "registry_builtin.objects.random_degradations:JPEG"
    random: ClassVar[Randomness] = "counter"
    example: ClassVar[Mapping[str, Any]] = {"quality": [30, 90]}

    quality: Quality = Field(description="Smallest and largest quality, 1 (worst) to 100; a single number sets both.")

    def infer_image(self, image: Image) -> Image:
        """Values may lie anywhere from 0 to 255."""
        if image.mode == "HSV":
            raise CheckFailed("JPEG does not support images of mode HSV.", "Put jpeg before to_pil_image.")
        return anywhere(coloured(not_float(image, "jpeg"), "jpeg"))

    def is_random(self, image: Image | None = None) -> bool:
        """Return True if qualities differ."""
        return self.quality[0] < self.quality[1]


def _value(value: Any) -> Any:
    values = value if isinstance(value, (list, tuple)) else (value,)
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values)
    if value == "random" or (values and numbers):
        return tuple(value) if isinstance(value, list) else value
    raise ValueError(f"expected a number, a list with one per channel, or random, not {value!r}")


_VALUE = one_or_list({"anyOf": [NUMBER, {"const": "random"}]}, item=NUMBER)


class RandomErasing(Transform):
    """Erase a rectangle of random area, aspect ratio and position with probability `p`.

    Input and output: a uint8 tensor or a float tensor [channels, height, width]. The area is uniform in `scale` and the
    logarithm of height / width is uniform in that of `ratio`. If none of ten attempts is smaller than the image,
    nothing is erased. Draws: the decision; per attempt area, aspect ratio, top, left; the seed of random values.
    Equivalent to torchvision.transforms.v2.RandomErasing (Zhong et al., "Random erasing data augmentation", AAAI 2020).
    """

    target = "registry_builtin.objects.random_degradations:RandomErasing"
    random: ClassVar[Randomness] = "counter"

    p: Probability = Field(default=0.5, description="Probability of erasing, 0 to 1.")
    scale: OrderedPair = Field(
        default=(0.02, 0.33),
        description="Smallest and largest area of the rectangle, as a fraction of the image's area, up to 1.",
    )
    ratio: OrderedPair = Field(
        default=(0.3, 3.3), description="Smallest and largest ratio of height to width, above 0."
    )
    value: Annotated[float | tuple[float, ...] | Literal["random"], BeforeValidator(_value), _VALUE] = Field(
        default=0.0,
        description="Fill value in the unit of the image, a list with one per channel, or random for normal values "
        "with mean 0 and standard deviation 1.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scale[1] > 1:
            message = f"`scale` must not exceed 1, the area of the image, not {list(self.scale)!r}"
            raise ParameterError(message, "Set its second value to 1 or less")
        return self

    def infer_image(self, image: Image) -> Image:
        """The output may contain the value; if that is random, its range is unknown."""
        image = as_tensor(image, "random_erasing")
        if self.value == "random":
            if image.form == "uint8":
                raise CheckFailed(
                    "value: random requires a float tensor, but receives a uint8 tensor.", "Put to_tensor before it."
                )
            return image.changed(low=None, high=None) if self.p else image
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        numbers = [float(value) for value in values]
        if image.channels is not None and len(numbers) not in (1, image.channels):
            message = f"value has {len(numbers)} numbers, but the image has {counted(image.channels, 'channel')}."
            raise CheckFailed(message, "Write one value, or one per channel.")
        if image.form == "uint8" and not all(0 <= number <= 255 and number == int(number) for number in numbers):
            message = f"value {self.value!r} is not a valid pixel value of a uint8 tensor."
            raise CheckFailed(message, "Write integers from 0 to 255, or put to_tensor before it.")
        return with_values(image, *numbers) if self.p else image

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of rectangles that never fit, of those that leave little, and of a value out of range."""
        height, width = (facts.image.height, facts.image.width) if facts.image else (None, None)
        if self.p and height and width and not self._rectangle_fits(height, width):
            reason = f"no rectangle of this scale and ratio fits into an image of {height} x {width}"
            return [no_effect(self.name, reason, "scale", remedy="Set a smaller scale, such as [0.02, 0.33].")]
        if self.p and self.scale[0] >= _NEARLY_ALL:
            message = f"scale erases at least {self.scale[0]:.0%} of an image."
            return [spoils(message, "Set a smaller scale, such as [0.02, 0.33].", "scale")]
        return () if isinstance(self.value, str) else list(far_values(facts.image, "value", self.value))

    def _rectangle_fits(self, height: int, width: int) -> bool:
        """Return True if a smallest rectangle is at least a pixel, and smaller than the image."""
        area = height * width * self.scale[0]
        ratio = min(max(height / width, self.ratio[0]), self.ratio[1])
        tall, wide = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        return tall < height and wide < width and self.scale[1] * height * width >= 0.25


_NEARLY_ALL = 0.75
"""Share of an image whose erasure leaves nothing to recognize."""
