"""The choices for reading image files, without an import of Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Orientation = Literal["displayed", "stored"]

DEEP_MODES = ("RGB16", "L16")
"""Modes of float32 arrays with values from 0 to 1, which keep 16 bits per channel."""

MAX_PIXELS = 89_478_485
"""Pillow's limit against decompression bombs: 256 MiB of RGB pixels."""


@dataclass(frozen=True)
class ImageReading:
    """The way in which image files are read.

    ``mode`` is a Pillow mode or one of ``DEEP_MODES``. With the ``orientation`` ``displayed``, pixels are turned as the
    file's EXIF or TIFF tag says. ``background`` is the colour below transparent pixels, 0 to 255, where the mode has no
    transparency; None ignores transparency. Images of more than ``max_pixels`` are refused.
    """

    mode: str = "RGB"
    orientation: Orientation = "displayed"
    background: int | tuple[int, int, int] | None = 255
    max_pixels: int = MAX_PIXELS

    @property
    def deep(self) -> bool:
        """True for modes of float32 arrays."""
        return self.mode in DEEP_MODES

    @property
    def channels_mode(self) -> str:
        """The Pillow mode with the same channels and 8 bits."""
        return self.mode.removesuffix("16") if self.deep else self.mode
