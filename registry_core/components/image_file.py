"""Image files: reading their size and their pixels, with one clear error for every failure.

The orientation, the transparency, the depth and the largest size follow an ``ImageReading``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import PIL.Image
import PIL.ImageFile

from registry_core.components.image_depth import deep_pixels, depth_of
from registry_core.components.image_opening import (
    ForeignFormat,
    OutOfBounds,
    TooManyPixels,
    check_decoding,
    open_image,
)
from registry_core.components.image_orientation import (
    loaded_with_orientation,
    orientation_in_header,
    swaps_sides,
    turned,
)
from registry_core.components.image_reading import DEEP_MODES, ImageReading
from registry_core.diagnostics import DataError, as_clause

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

T = TypeVar("T")

_OPAQUE_MODES = ("1", "L", "RGB", "CMYK", "YCbCr", "LAB", "HSV", "F", "I")
"""Pillow modes without transparency: an image of one shows the background through its transparent pixels."""


class _Refusal(Exception):
    """An image that can be decoded, but not with this reading: the message after its name, and the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def decode_image(path: str | Path, reading: ImageReading, label: str = "") -> PIL.Image.Image:
    """The image of a file in a Pillow mode, 8 bits per channel; DataError if it cannot be decoded completely.

    Messages name it by ``label``, or by its path.
    """
    return _decoded(path, reading, label, lambda image: _shown(image, reading))


def decode_deep_image(path: str | Path, reading: ImageReading, label: str = "") -> NDArray[float32]:
    """The image of a file in one of the deep modes: float32 [channels, height, width], values from 0 to 1.

    Values of 8 bits are divided by 255, those of 16 bits by 65535. DataError if it cannot be decoded completely.
    """
    return _decoded(path, reading, label, lambda image: _deep(image, Path(path), reading))


def read_size(path: str | Path, reading: ImageReading, label: str = "") -> tuple[int, int]:
    """Height and width of an image file as it is read, from its header; DataError if it cannot be read."""

    def size(image: PIL.ImageFile.ImageFile) -> tuple[int, int]:
        swapped = swaps_sides(image, orientation_in_header(image), reading.orientation)
        return (image.width, image.height) if swapped else (image.height, image.width)

    return _read(path, reading, label, size)


def _decoded(path: str | Path, reading: ImageReading, label: str, take: Callable[[PIL.ImageFile.ImageFile], T]) -> T:
    def within_bounds(image: PIL.ImageFile.ImageFile) -> T:
        check_decoding(image, reading.max_pixels)
        return take(image)

    return _read(path, reading, label, within_bounds)


def _read(path: str | Path, reading: ImageReading, label: str, take: Callable[[PIL.ImageFile.ImageFile], T]) -> T:
    named = f"The image {label or repr(str(path))}"
    try:
        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False  # a plugin may have set it: half an image would pass silently
        with open_image(path, reading.max_pixels) as image:
            if image.width * image.height > reading.max_pixels:
                raise TooManyPixels(image.width, image.height)
            _check_depth(image, reading)
            return take(image)
    except FileNotFoundError as error:
        raise DataError(f"{named} does not exist.", "Correct its path, or leave it out.") from error
    except TooManyPixels as large:
        raise _larger(named, large, reading) from None
    except _Refusal as refused:
        raise DataError(f"{named} {refused.message}.", refused.remedy) from None
    except OutOfBounds as error:
        raise DataError(f"{named} {error}.", "Remove it, or save it again as PNG or JPEG.") from None
    except ForeignFormat as error:
        message = f"{named} cannot be decoded: {error}."
        raise DataError(message, "Replace it by a PNG or JPEG file, or remove it.") from error
    except Exception as error:  # Pillow's decoders raise many types for damaged files
        message = f"{named} cannot be decoded: {_reason(error)}."
        raise DataError(message, "Replace or remove it.") from error


def _larger(named: str, image: TooManyPixels, reading: ImageReading) -> DataError:
    pixels = image.width * image.height
    message = f"{named} has {image.height} x {image.width} = {pixels} pixels, but max_pixels of the dataset is"
    remedy = f"If it is no decompression bomb, set max_pixels to {pixels} or more, or shrink it."
    return DataError(f"{message} {reading.max_pixels}.", remedy)


def _check_depth(image: PIL.Image.Image, reading: ImageReading) -> None:
    """Refuse images whose values Pillow would clip at 255, or whose low bits it would drop."""
    depth = depth_of(image)
    if depth.bits <= 8 or (reading.deep and depth.readable):
        return
    message = f"has {depth.bits} bits per channel (Pillow mode {image.mode})"
    if not depth.readable:
        kind = "of this kind cannot be read" if depth.bits <= 16 else "cannot be read"
        raise _Refusal(f"{message}, which {kind}", "Convert it to a PNG file of 8 or 16 bits per channel.")
    mode = f"{reading.mode}16" if f"{reading.mode}16" in DEEP_MODES else "RGB16"
    grey = " (L16 for one channel)" if mode == "RGB16" and image.mode.startswith("I") else ""
    remedy = f"Set mode: {mode}{grey} of the dataset, which reads values from 0 to 1, or convert the image to 8 bits."
    raise _Refusal(f"{message}, but mode: {reading.mode} reads 8", remedy)


def _shown(image: PIL.Image.Image, reading: ImageReading) -> PIL.Image.Image:
    orientation = loaded_with_orientation(image)
    return turned(_without_transparency(image, reading), image, orientation, reading.orientation)


def _without_transparency(image: PIL.Image.Image, reading: ImageReading) -> PIL.Image.Image:
    """The image in the mode, laid over the background where it is transparent; opaque images keep their bits."""
    mode, colour = reading.channels_mode, reading.background
    if colour is None or mode not in _OPAQUE_MODES or not image.has_transparency_data:
        return image.convert(mode)
    boxes = _strips(image)
    if len(boxes) == 1:
        full = image.convert("RGBA")
        return image.convert(mode) if _is_opaque(full) else _over(full, colour, mode)
    if all(_is_opaque(image.crop(box).convert("RGBA")) for box in boxes):
        return image.convert(mode)
    made = PIL.Image.new(mode, image.size)
    for box in boxes:
        made.paste(_over(image.crop(box).convert("RGBA"), colour, mode), box)
    return made


def _is_opaque(full: PIL.Image.Image) -> bool:
    return full.getchannel("A").getextrema() == (255, 255)


def _over(full: PIL.Image.Image, colour: int | tuple[int, int, int], mode: str) -> PIL.Image.Image:
    """An RGBA image in another mode, over a background of this colour."""
    red, green, blue = colour if isinstance(colour, tuple) else (colour,) * 3
    below = PIL.Image.new("RGBA", full.size, (red, green, blue, 255))
    return PIL.Image.alpha_composite(below, full).convert("RGB").convert(mode)


_STRIP = 2**22
"""Pixels that are laid over a background at once: four copies of a large image would not fit into memory."""


def _strips(image: PIL.Image.Image) -> list[tuple[int, int, int, int]]:
    """Boxes that cover an image from top to bottom; a single one for most images."""
    rows = max(1, _STRIP // image.width)
    starts = range(0, image.height, rows)
    return [(0, top, image.width, min(top + rows, image.height)) for top in starts]


def _deep(image: PIL.Image.Image, path: Path, reading: ImageReading) -> NDArray[float32]:
    import numpy as np

    if depth_of(image).bits <= 8:
        shown = np.asarray(_shown(image, reading), dtype=np.float32) / np.float32(255)
        return np.ascontiguousarray(shown[None] if shown.ndim == 2 else shown.transpose(2, 0, 1))
    return deep_pixels(image, path, reading)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:  # its text repeats the path
        return as_clause(error.strerror)
    return as_clause(str(error)) or type(error).__name__
