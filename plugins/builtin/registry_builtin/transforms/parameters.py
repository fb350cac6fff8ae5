"""Parameters that several transforms share, with their words and their checks."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from registry_core.components import Transform
from registry_core.components.types import Fill, Interpolation, PaddingMode

SIZE = "Height and width of the result in pixels; one number stands for both."
PADDING = "Pixels added at all edges, at [left and right, top and bottom], or at [left, top, right, bottom]."
FILL = "Value of added pixels for padding_mode constant, 0 to 255, or one for each channel; masks get 0."
PADDING_MODE = (
    "What added pixels show: fill, the nearest edge pixel, or the image mirrored without or with its edge pixel."
)
INTERPOLATION = "How new pixels are made from old ones; lanczos: Pillow images only. Masks take the nearest."
ANTIALIAS = "Whether tensors are smoothed when they shrink (bilinear and bicubic); Pillow images always are."


class PaddingTransform(Transform):
    """What padding with a value, or a mirror image, shares."""

    fill: Fill = Field(default=0, description=FILL)
    padding_mode: PaddingMode = Field(default="constant", description=PADDING_MODE)

    @model_validator(mode="after")
    def _fill_is_used(self) -> Self:
        if isinstance(self.fill, tuple) and not self.fill:
            raise ValueError("fill has no value; give one, or one for each channel")
        if isinstance(self.fill, tuple) and self.padding_mode != "constant":
            raise ValueError(f"fill has no meaning for padding_mode {self.padding_mode!r}; remove it")
        return self

    def _fill(self) -> int | tuple[int, ...]:
        return self.fill[0] if isinstance(self.fill, tuple) and len(self.fill) == 1 else self.fill


class InterpolatingTransform(Transform):
    """What transforms that resize share."""

    interpolation: Interpolation = Field(default="bilinear", description=INTERPOLATION)
    antialias: bool = Field(default=True, description=ANTIALIAS)

    def arguments(self) -> dict[str, Any]:
        """The parameters, with torchvision's name of the interpolation."""
        from torchvision.transforms import InterpolationMode

        return {**super().arguments(), "interpolation": InterpolationMode(self.interpolation)}
