"""Conversions between Pillow images and tensors, and normalization."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.transforms.doubts import no_effect, other_unit
from registry_builtin.transforms.image_facts import in_range
from registry_builtin.transforms.parameters import TorchvisionTransform
from registry_core.components import CheckFailed, Image, ParameterError, RunFacts, Transform
from registry_core.components.facts import Form
from registry_core.components.forms import counted
from registry_core.components.types import PositiveFloat

if TYPE_CHECKING:
    from torch import Tensor


class ToTensor(Transform):
    """Convert the image to a float tensor with values from 0 to 1.

    Input: a Pillow image or a uint8 tensor [channels, height, width] with values from 0 to 255. Output: a
    tv_tensors.Image [channels, height, width], float32, the values divided by 255. Every image of the sample is
    converted; masks and other entries do not change. Equivalent to torchvision.transforms.ToTensor.
    """

    target = "registry_builtin.objects.conversion:ToTensor"
    has_batch_form = True

    def build_batch_form(self) -> Callable[[Tensor], Tensor]:
        """Convert a stack of images."""
        from registry_builtin.objects.conversion import scaled_to_float

        return scaled_to_float

    def infer_image(self, image: Image) -> Image:
        """The output is a float tensor whose values are divided by 255."""
        if image.form == "float":
            message = "to_tensor expects a Pillow image or a uint8 tensor, but receives a float tensor."
            raise CheckFailed(message, "Remove this to_tensor.")
        low, high = (None if value is None else value / 255 for value in (image.low, image.high))
        return image.changed(form="float", low=low, high=high, mode=None)


class ToImage(Transform):
    """Convert the image to a tensor without changing its values.

    Input: a Pillow image with values from 0 to 255. Output: a tv_tensors.Image [channels, height, width], uint8.
    Tensors, masks and other entries do not change. Equivalent to torchvision.transforms.v2.ToImage (and PILToTensor).
    """

    target = "registry_builtin.objects.conversion:ToImage"

    def infer_image(self, image: Image) -> Image:
        """A Pillow image becomes a uint8 tensor."""
        return image.changed(form="uint8", mode=None) if image.form == "pil" else image


class ToDtype(Transform):
    """Convert the image to a tensor of another dtype.

    Input: a Pillow image, or a tensor [channels, height, width]. Output: a tv_tensors.Image of type `dtype`. With
    `scale`, values are rescaled to the full range of the dtype (0 to 255 for uint8, 0 to 1 for float32), otherwise they
    do not change. Masks and other entries do not change. Equivalent to torchvision.transforms.v2.ToDtype, preceded by
    ToImage for Pillow images.
    """

    target = "registry_builtin.objects.conversion:ToDtype"
    example: ClassVar[Mapping[str, Any]] = {"dtype": "float32", "scale": True}
    old_spellings: ClassVar[Mapping[str, str]] = {
        "dtype: float": "dtype: float32",
        "dtype: torch.float32": "dtype: float32",
        "dtype: torch.uint8": "dtype: uint8",
    }

    dtype: Literal["float32", "uint8"] = Field(description="Data type of the output.")
    scale: bool = Field(default=False, description="If true, values are rescaled between 0 to 255 and 0 to 1.")

    def infer_image(self, image: Image) -> Image:
        """The output is a tensor of the dtype, with or without rescaled values."""
        form: Form = "float" if self.dtype == "float32" else "uint8"
        image = image.changed(mode=None)
        low, high = image.low, image.high
        if form == "uint8" and image.form == "float":
            return self._rounded(image)
        if form == "float" and image.form != "float" and self.scale:
            low, high = (None if value is None else value / 255 for value in (low, high))
        return image.changed(form=form, low=low, high=high)

    def _rounded(self, image: Image) -> Image:
        if self.scale:
            in_range(image, "to_dtype to uint8 with scale: true")
            return image.changed(form="uint8", low=0.0, high=255.0)
        if image.low is not None and image.high is not None:
            if image.low < 0 or image.high >= 256:
                raise CheckFailed(f"The values of a {image} exceed the range of uint8.", "Put it before normalize.")
            if image.high <= 1:
                raise CheckFailed(f"The values of a {image} would all become 0 or 1.", "Set scale: true.")
        return image.changed(form="uint8", low=0.0, high=255.0)


class ToPILImage(Transform):
    """Convert the image to a Pillow image.

    Input: a uint8 tensor, or a float tensor with values from 0 to 1, [channels, height, width]. Output: a Pillow image
    of the given mode with 8 bits per channel; float values are multiplied by 255 and rounded down. Pillow images, masks
    and other entries do not change. Equivalent to torchvision.transforms.v2.ToPILImage.
    """

    target = "registry_builtin.objects.conversion:ToPILImage"

    mode: Literal["L", "LA", "RGB", "YCbCr", "HSV", "RGBA", "CMYK", "RGBX"] | None = Field(
        default=None,
        description="Interpretation of the channels (values are not converted): L for 1 channel, LA for 2, RGB, YCbCr "
        "or HSV for 3, RGBA, CMYK or RGBX for 4; null for L, LA, RGB or RGBA.",
    )

    def infer_image(self, image: Image) -> Image:
        """The output is a Pillow image with values from 0 to 255."""
        if image.form == "pil":
            return image
        channels = image.channels
        if channels is not None and not 1 <= channels <= 4:
            raise CheckFailed(f"to_pil_image expects 1 to 4 channels, but receives a {image}.", "Remove to_pil_image.")
        if self.mode is not None:
            meant = _CHANNELS[self.mode]
            if channels not in (None, meant):
                message = f"Mode {self.mode} requires {counted(meant, 'channel')}, but to_pil_image receives a {image}."
                raise CheckFailed(message, "Choose a mode with this number of channels, or omit mode.")
            channels = meant
        mode = None if self.mode in ("L", "RGB") else self.mode
        if image.form == "float":
            in_range(image, "to_pil_image")
            return image.changed(form="pil", channels=channels, low=0.0, high=255.0, mode=mode)
        return image.changed(form="pil", channels=channels, mode=mode)


_CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "YCbCr": 3, "HSV": 3, "RGBA": 4, "CMYK": 4, "RGBX": 4}


class Normalize(TorchvisionTransform):
    """Subtract `mean` from each channel and divide by `std`.

    Input and output: a float tensor [channels, height, width]; `mean` and `std` have one value for all channels or one
    per channel, in the unit of the pixels (0 to 1 after to_tensor). Equivalent to torchvision.transforms.v2.Normalize.
    """

    target = "torchvision.transforms.v2:Normalize"
    has_batch_form = True
    example: ClassVar[Mapping[str, Any]] = {"mean": [0.5], "std": [0.5]}

    mean: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        description="Mean of each channel, or one for all channels."
    )
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = Field(
        description="Standard deviation of each channel, or one for all channels, above 0."
    )

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.mean) != len(self.std):
            message = f"`mean` has {_values(self.mean)}, but `std` has {_values(self.std)}"
            raise ParameterError(message, "Write the same number of values for both")
        return self

    def belongs_everywhere(self, image: Image | None = None) -> bool:
        """Return True: the model has learned normalized values."""
        return True

    def infer_image(self, image: Image) -> Image:
        """The range of values is shifted and scaled."""
        if image.form != "float":
            raise CheckFailed(f"normalize expects a float tensor, but receives a {image}.", "Put to_tensor before it.")
        if image.channels is not None and len(self.mean) not in (1, image.channels):
            message = f"normalize has {_values(self.mean)}, but the image has {counted(image.channels, 'channel')}."
            raise CheckFailed(message, "Write one value for mean and std, or one per channel.")
        if image.low is None or image.high is None:
            return image
        pairs = list(zip(self.mean, self.std, strict=True))
        low = min((image.low - mean) / std for mean, std in pairs)
        high = max((image.high - mean) / std for mean, std in pairs)
        return image.changed(low=low, high=high)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of values that are normalized already, and of a mean or std in another unit."""
        image = facts.image
        if image is None or image.low is None or image.high is None or image.form != "float":
            return ()
        if not any(self.mean) and set(self.std) == {1}:
            return (no_effect(self.name, "mean is 0 and std is 1"),)
        given = f"{image.low:.4g} to {image.high:.4g}"
        if image.low < 0 < min(self.mean):
            message = f"The input of normalize ranges over {given}: it is normalized already."
            return (CheckFailed(message, "Normalize once."),)
        if not all(image.low <= mean <= image.high for mean in self.mean):
            message = f"The mean {list(self.mean)} lies outside the range of the input of normalize, {given}."
            return (other_unit(message, "Write mean and std in the unit of the pixels.", "mean"),)
        return self._scaled_otherwise(image.high - image.low, given)

    def _scaled_otherwise(self, room: float, given: str) -> tuple[CheckFailed, ...]:
        """Return the warning of a mean or std that no images with values in this range have."""
        remedy = "Use to_tensor before it, or to_dtype with scale: true."
        small_mean, small_std = (0 < max(values) <= 1 < room / _LEVELS * 20 for values in (self.mean, self.std))
        if small_mean and small_std:
            message = f"The input of normalize ranges over {given}, but mean and std are for values from 0 to 1."
            return (other_unit(message, remedy),)
        if small_mean and min(self.std) > _SPREAD * room:
            message = f"The mean {list(self.mean)} does not fit std and the range of the input of normalize, {given}."
            return (other_unit(message, "Write mean and std in the unit of the pixels.", "mean"),)
        if max(self.std) > room * _ROUNDED or min(self.std) < room / _LEVELS / _ROUNDED:
            message = f"The std {list(self.std)} does not fit the range of the input of normalize, {given}."
            return (other_unit(message, "Write mean and std in the unit of the pixels.", "std"),)
        return ()


_LEVELS = 255.0
"""Steps between 8-bit values: a smaller standard deviation is that of images without content."""

_SPREAD = 0.08
"""Values with a mean of at most 1 of 255 have a standard deviation of at most sqrt(254) of 255."""

_ROUNDED = 1.001
"""For rounding of the range of values."""


def _values(values: tuple[float, ...]) -> str:
    return counted(len(values), "value")
