"""Image files of more than 8 bits per channel: recognising them, and reading all of their bits.

Pillow decodes grey images of 16 bits completely, but keeps only the high bytes of colours. The low bytes are decoded
separately, by naming the other byte order to its decoder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import PIL.Image
import PIL.ImageFile

from registry_core.components.image_opening import open_image
from registry_core.components.image_orientation import loaded_with_orientation, turned
from registry_core.components.image_reading import ImageReading

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
_COLOURS = tuple(f"{mode};16{order}" for mode in ("RGB", "RGBA", "RGBX") for order in _OTHER_ORDER)
"""Pillow's raw modes of 16-bit colours whose bytes can be decoded separately."""

_GREY_ALPHA = "LA;16B"
_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284
"""TIFF tags."""
_J2K_SIZE, _J2K_DEPTH = b"\xff\x4f\xff\x51", 40
"""The marker of the sizes in a JPEG 2000 file, and the offset of its first depth."""
_HEAD = 4096


class Depth(NamedTuple):
    """The bits per channel of an image file."""

    bits: int
    readable: bool = True
    """True if all bits can be read, or if there are at most 8."""


def depth_of(image: PIL.Image.Image) -> Depth:
    """The depth of an opened image file whose pixels are not decoded yet."""
    raw = _raw_mode(image)
    if image.mode.startswith("I;16"):
        return Depth(12 if raw == "I;12" else 16)
    if image.mode.startswith(("I", "F")):
        signed = raw.startswith("I;16") and raw.endswith("S")
        return Depth(16, image.format == "PPM") if image.format == "PPM" or signed else Depth(32, False)
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    if image.format in ("PNG", "TIFF") and raw in (*_COLOURS, _GREY_ALPHA):
        return Depth(16, tags.get(_PLANES, 1) == 1)
    bits = max(tags.get(_BITS, (1,)), default=1)
    if bits > 8 or ";16" in raw:
        return Depth(max(bits, 16), False)
    return Depth(_bits_elsewhere(image), False)


def _bits_elsewhere(image: PIL.Image.Image) -> int:
    """The bits of formats whose depth is not in Pillow's raw mode: PPM and JPEG 2000."""
    tiles = getattr(image, "tile", None)
    if image.format == "PPM" and tiles:
        arguments = tiles[0].args
        deep = isinstance(arguments, tuple) and isinstance(arguments[-1], int) and arguments[-1] > 255
        return 16 if deep else 8
    if image.format == "JPEG2000" and isinstance(image, PIL.ImageFile.ImageFile) and image.fp is not None:
        place = image.fp.tell()
        image.fp.seek(0)
        head = image.fp.read(_HEAD)
        image.fp.seek(place)
        found = head.find(_J2K_SIZE)
        if 0 <= found < len(head) - _J2K_DEPTH:
            return (head[found + _J2K_DEPTH] & 0x7F) + 1
    return 8


def _raw_mode(image: PIL.Image.Image) -> str:
    """The form of the pixels in the file, as Pillow calls it; empty if it does not say."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0].args if tiles else ""
    raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return raw if isinstance(raw, str) else ""


def deep_pixels(image: PIL.Image.Image, path: Path, reading: ImageReading) -> NDArray[float32]:
    """The pixels of an image of more than 8 bits in a deep mode, [channels, height, width], 0 to 1."""
    import numpy as np

    bits = depth_of(image).bits
    values, alpha = _grey(image, reading) if image.mode.startswith("I") else _coloured(image, path, reading)
    pixels = values.astype(np.float32) / np.float32(2**bits - 1)
    if alpha is not None and reading.background is not None:
        below = np.asarray(reading.background, dtype=np.float32).reshape(-1) / np.float32(255)
        pixels = pixels * alpha + below * (1 - alpha)
    return np.ascontiguousarray(_with_channels(pixels, reading.mode).transpose(2, 0, 1))


def _with_channels(pixels: NDArray[float32], mode: str) -> NDArray[float32]:
    """The pixels [height, width, channels] with the channels of a deep mode; grey is ITU-R 601, as in Pillow."""
    import numpy as np

    if mode == "RGB16":
        return pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels
    weights = np.asarray([0.299, 0.587, 0.114], dtype=np.float32)
    return pixels if pixels.shape[2] == 1 else (pixels @ weights)[:, :, None]


_Values = tuple["NDArray[Any]", "NDArray[float32] | None"]
"""Values [height, width, channels], and the opacity [height, width, 1], 0 to 1; None if all is opaque."""


def _grey(image: PIL.Image.Image, reading: ImageReading) -> _Values:
    import numpy as np

    inverted = image.format == "TIFF" and getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0  # 0 is white
    clear = image.info.get("transparency")
    orientation = loaded_with_orientation(image)
    values = np.asarray(turned(image, image, orientation, reading.orientation)).astype(np.uint16)[:, :, None]
    alpha = None if clear is None else (values != clear).astype(np.float32)
    return (65535 - values if inverted else values), alpha


def _coloured(image: PIL.Image.Image, path: Path, reading: ImageReading) -> _Values:
    import numpy as np

    raw, clear = _raw_mode(image), image.info.get("transparency")
    if raw == _GREY_ALPHA:  # as four bytes: the high and the low byte of both channels
        four = _bytes_of(image, reading, "RGBA").astype(np.uint16)
        both = four[:, :, ::2] << 8 | four[:, :, 1::2]
        return both[:, :, :1], both[:, :, 1:].astype(np.float32) / np.float32(65535)
    other = raw[:-1] + _OTHER_ORDER[raw[-1]]
    with open_image(path, reading.max_pixels) as again:
        low = _bytes_of(again, reading, other).astype(np.uint16)
    values = _bytes_of(image, reading, raw).astype(np.uint16) << 8 | low
    if values.shape[2] == 4:
        return values[:, :, :3], values[:, :, 3:].astype(np.float32) / np.float32(65535)
    alpha = None if clear is None else (values != np.asarray(clear)).any(axis=2, keepdims=True).astype(np.float32)
    return values, alpha


def _bytes_of(image: PIL.Image.Image, reading: ImageReading, raw: str) -> NDArray[Any]:
    """The bytes of each pixel that Pillow decodes with a raw mode, turned as the image is read."""
    import numpy as np

    tiles = getattr(image, "tile", [])
    image.tile = [  # type: ignore[attr-defined]  # images of files have it
        one._replace(args=(raw, *one.args[1:]) if isinstance(one.args, tuple) else raw) for one in tiles
    ]
    orientation = loaded_with_orientation(image)
    return np.asarray(turned(image, image, orientation, reading.orientation))
