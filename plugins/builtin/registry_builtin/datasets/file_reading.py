"""Base of data sets that read image files: the parameters of reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from registry_builtin.datasets.classified import Classified
from registry_core.components import Dataset
from registry_core.components.image_reading import MAX_PIXELS, ImageReading, Orientation
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt

Byte = Annotated[int, Field(ge=0, le=255)]

_READING = ("mode", "orientation", "background", "max_pixels")


class OfImageFiles(Classified):
    """Base of data sets whose images are files."""

    mode: Literal["RGB", "L", "RGB16", "L16"] = Field(
        default="RGB",
        description="Mode that images are converted to: RGB (3 channels) or L (grayscale, 1 channel), Pillow images "
        "with values 0 to 255; RGB16 or L16, float32 tensors with values 0 to 1 that keep 16 bits per channel.",
    )
    orientation: Orientation = Field(
        default="displayed",
        description="displayed: images are turned as their EXIF data or TIFF tag say, as viewers do; stored: they are "
        "not.",
    )
    background: Byte | tuple[Byte, Byte, Byte] | None = Field(
        default=255,
        description="Colour that shows through transparent pixels, 0 (black) to 255 (white) in every mode, or [red, "
        "green, blue]; null ignores transparency, so that hidden colours appear.",
    )
    max_pixels: PositiveInt = Field(
        default=MAX_PIXELS,
        description="Largest number of pixels of an image; a larger one is refused as a possible decompression bomb.",
    )

    @property
    def reading(self) -> ImageReading:
        """The way in which the files are read."""
        return ImageReading(self.mode, self.orientation, self.background, self.max_pixels)

    @cached_property
    def lenient(self) -> Dataset:
        """The same with images that are missing or cannot be decoded, or whose label is outside known classes."""
        return self.keeping_faulty()

    def arguments(self) -> dict[str, Any]:
        """Return the parameters with those of reading as one."""
        others = {name: value for name, value in super().arguments().items() if name not in _READING}
        return {**others, "reading": self.reading}

    def file_reader(self) -> Callable[[Path], Any]:
        """Return the function that reads an image file as the data set reads its own."""
        made: Callable[[Path], Any] = load_target("registry_builtin.objects.image_files:FileReader")(self.reading)
        return made
