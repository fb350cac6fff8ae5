"""Conversions: from an image to a normalised tensor."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.types import PositiveFloat


class ToTensor(Transform):
    """Make a float tensor with values from 0 to 1.

    In: a Pillow image or a uint8 tensor [channels, height, width], values 0 to 255. Out: a tv_tensors.Image
    [channels, height, width], float32, the values divided by 255. Masks and other entries stay as they are. As
    torchvision.transforms.ToTensor.
    """

    target: ClassVar[str] = "registry_builtin.objects.conversion:ToTensor"

    def follow(self, image: Image) -> Image:
        """The image is a float tensor with values divided by 255."""
        if image.form == "float":
            raise CheckFailed("to_tensor is given a float tensor already.", "Remove the second to_tensor.")
        low, high = (None if value is None else value / 255 for value in (image.low, image.high))
        return image.changed(form="float", low=low, high=high)


class Normalize(Transform):
    """Subtract `mean` from every channel and divide by `std`.

    In and out: a float tensor [channels, height, width]; `mean` and `std` have one value for all channels or one for
    each, in the unit of the pixels (0 to 1 after to_tensor). As torchvision.transforms.v2.Normalize.
    """

    target: ClassVar[str] = "torchvision.transforms.v2:Normalize"

    mean: Annotated[tuple[float, ...], Field(min_length=1)] = Field(description="Mean of each channel, or one for all.")
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = Field(
        description="Standard deviation of each channel, above 0, or one for all."
    )

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError(f"mean has {_values(self.mean)}, but std has {_values(self.std)}; give both as many")
        return self

    def follow(self, image: Image) -> Image:
        """The range of values is moved and scaled."""
        if image.form != "float":
            raise CheckFailed(f"normalize works on float tensors, and this is a {image}.", "Put to_tensor before it.")
        if image.channels is not None and len(self.mean) not in (1, image.channels):
            message = f"normalize has {_values(self.mean)} for {image.channels} channel{'s'[: image.channels != 1]}."
            raise CheckFailed(message, "Give one value for mean and std, or one for each channel.")
        if image.low is None or image.high is None:
            return image
        pairs = list(zip(self.mean, self.std, strict=True))
        low = min((image.low - mean) / std for mean, std in pairs)
        high = max((image.high - mean) / std for mean, std in pairs)
        return image.changed(low=low, high=high)


def _values(values: tuple[float, ...]) -> str:
    return "1 value" if len(values) == 1 else f"{len(values)} values"
