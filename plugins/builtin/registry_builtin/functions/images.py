"""Functions of images, for the transform lambda."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Function, Image, RunFacts
from registry_core.components.function import Use
from registry_core.components.types import PositiveFloat


class Invert(Function):
    """Invert an image: 255 minus each value, or 1 minus each value for float tensors.

    Input and output: a Pillow image, or a tensor [channels, height, width], uint8 or float. Equivalent to
    torchvision.transforms.v2.functional.invert.
    """

    target = "torchvision.transforms.v2.functional:invert"
    use: ClassVar[Use] = "images"

    def infer_image(self, image: Image) -> Image:
        """The range of values is mirrored."""
        if image.mode is not None:
            message = f"invert expects a grayscale or RGB image, but receives a {image} of mode {image.mode}."
            raise CheckFailed(message, "Put it before to_pil_image, or omit the mode of to_pil_image.")
        top = 1.0 if image.form == "float" else 255.0
        if image.low is None or image.high is None:
            return image
        return image.changed(low=top - image.high, high=top - image.low)


class Gamma(Function):
    """Apply gamma correction: raise each value, as a fraction of the largest possible one, to the power `gamma`.

    Input and output: a Pillow image, or a tensor [1 or 3, height, width], uint8 or float from 0 to 1. The result is
    multiplied by `gain` and clipped to the range. Equivalent to torchvision.transforms.v2.functional.adjust_gamma.
    """

    target = "torchvision.transforms.v2.functional:adjust_gamma"
    use: ClassVar[Use] = "images"
    example: ClassVar[Mapping[str, Any]] = {"gamma": 0.5}

    gamma: PositiveFloat = Field(
        description="Exponent, above 0: values below 1 make shadows lighter, values above 1 make them darker."
    )
    gain: PositiveFloat = Field(default=1.0, description="Factor of the result, above 0.")

    def infer_image(self, image: Image) -> Image:
        """Values stay in the range of the image's form."""
        if image.form == "float" and (image.low is None or image.low < 0):
            unknown = ", whose values may be below 0" if image.low is None else ""
            message = f"gamma expects values from 0 to 1, but receives a {image}{unknown}."
            raise CheckFailed(
                message, "Put it before normalize, or before the transform that produces negative values."
            )
        return image.changed(low=0.0, high=1.0 if image.form == "float" else 255.0)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of an exponent and a factor of 1."""
        if (self.gamma, self.gain) != (1, 1):
            return ()
        message = "gamma has no effect: gamma and gain are 1."
        return (CheckFailed(message, "Set gamma to another exponent, or remove it.", ("gamma",), code="no-effect"),)
