"""Open image files with the decoders of the stated formats alone, within limits that hold while Pillow parses them.

Pillow bounds compressed texts and colour profiles itself. Bounded here are the size of a file and what is read of it,
the canvas of WebP, the directory and the tiles of TIFF, and the scans of JPEG.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import PIL.Image
import PIL.ImageFile

from registry_core.components.image_formats import COMMON, HEAD, OTHERS, foreign_format
from registry_core.components.regular_file import open_regular

HEADER_BYTES = 128 * 2**20
"""At most this many bytes are read of what is not pixels, such as colour profiles, and of WebP and AVIF files."""

PIXEL_BYTES = 8
"""At most this many bytes are read for each pixel: no format stores more without compression."""

READ_COST = 1024
"""Every read counts as this many bytes more: a file of millions of tiny blocks takes time, not memory."""

SCANS = 64
"""At most this many scans of a progressive JPEG image are decoded; encoders write about ten."""

TIFF_NUMBERS = 1_000_000
"""At most this many numbers are in the tags of a TIFF image, such as the offsets of its strips."""

_PREFIX = 16
"""The number of bytes by which Pillow's plugins recognise a format."""

_COMMON = tuple(one.name for one in COMMON)
_UNSIGNED = OTHERS[-1].name
"""The format that is left for a file without a known signature."""

_BLOCK = 2**20
_SCAN = b"\xff\xda"


class OutOfBounds(Exception):
    """An image file exceeds a limit; the message continues a sentence after its name."""


class TooManyPixels(Exception):
    """An image has more pixels than are read: its width and height."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.width = width
        self.height = height


class ForeignFormat(Exception):
    """A file is no image in one of the formats that are read; the message is a clause about it."""


class _BoundedReader(io.BufferedReader):
    """A file of which no more is read than an image needs."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(open_regular(path))
        self.size = os.fstat(self.fileno()).st_size
        self.left = HEADER_BYTES

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes; OutOfBounds if that is more than an image needs."""
        left = self.left
        if size is None or size < 0 or size > left:
            size = min(left, self.size) + 1
        data = _read(self, size)
        self.left = left = left - len(data) - READ_COST
        if left < 0:
            raise OutOfBounds(f"has more than {HEADER_BYTES >> 20} MiB besides its pixels, or very many tiny blocks")
        return data

    def expect(self, pixels: int) -> None:
        """Allow the reading of this many pixels, from now on."""
        self.left = HEADER_BYTES + PIXEL_BYTES * pixels


_read = io.BufferedReader.read


@contextmanager
def open_image(path: str | Path, max_pixels: int) -> Iterator[PIL.ImageFile.ImageFile]:
    """An image file whose pixels are not decoded yet.

    Raises ForeignFormat, OutOfBounds, OSError, and whatever else Pillow's decoders raise for damaged files. An image of
    more than ``max_pixels`` is opened, so that its size can be told, or raises TooManyPixels.
    """
    # Not by its path: Pillow maps uncompressed TIFF files into memory, and then mixes up the rows of turned ones.
    with _any_size(), _BoundedReader(path) as file:
        most = HEADER_BYTES + PIXEL_BYTES * max_pixels
        if file.size > most:
            raise OutOfBounds(f"has {file.size:,} bytes; an image of {max_pixels:,} pixels has at most {most:,}")
        with _identified(file, max_pixels) as image:
            file.expect(min(image.width * image.height, max_pixels))
            yield image


@contextmanager
def _any_size() -> Iterator[None]:
    """Open images of any size: Pillow's own limit is one for the whole process."""
    limit, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        PIL.Image.MAX_IMAGE_PIXELS = limit


def _identified(file: _BoundedReader, max_pixels: int) -> PIL.ImageFile.ImageFile:
    """The image of a file; Pillow's plugins for other formats are not even imported."""
    head = file.read(HEAD)
    if not head:
        raise EOFError("the file is empty")
    PIL.Image.preinit()
    name = _accepting(_COMMON, head) or _other_format(head)
    if name == "WEBP":
        _check_canvas(head, max_pixels)
    elif name == "TIFF":
        _check_directory(head, file)
    try:
        return PIL.Image.open(file, formats=[name])
    except PIL.UnidentifiedImageError:
        if name == _UNSIGNED:
            raise ForeignFormat("it is not an image in a format that is read") from None
        raise SyntaxError(f"its {name} header is damaged") from None


def _accepting(names: Iterable[str], head: bytes) -> str:
    """The first of these formats that begins like a file; empty if none does."""
    for name in names:
        accept = PIL.Image.OPEN[name][1]
        if accept is not None and accept(head.ljust(_PREFIX, b"\0")) is True:
            return name
    return ""


def _other_format(head: bytes) -> str:
    """The rarer format of a file, whose plugin Pillow imports on demand."""
    if words := foreign_format(head):
        raise ForeignFormat(f"it is {words}, which is not read")
    return _accepting(_others(), head) or _UNSIGNED


@cache
def _others() -> tuple[str, ...]:
    """The rarer formats that this Pillow can decode."""
    for one in OTHERS:
        with suppress(ModuleNotFoundError):  # AVIF, in Pillow before 11.3
            import_module(f"PIL.{one.plugin}ImagePlugin")
    return tuple(one.name for one in OTHERS if one.name in PIL.Image.OPEN)


def _check_canvas(head: bytes, max_pixels: int) -> None:
    """Refuse a WebP image of more pixels than are read: Pillow allocates its canvas when it opens it."""
    kind, word = head[12:16], int.from_bytes(head[21:25], "little")
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        width, height = (word & 0x3FFF) + 1, (word >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    if width * height > max_pixels:
        raise TooManyPixels(width, height)


_TIFF_FORMS = {
    b"II*\0": ("<L", "<H", "<2xHL4x"),
    b"MM\0*": (">L", ">H", ">2xHL4x"),
    b"II+\0": ("<4xQ", "<Q", "<2xHQ8x"),
    b"MM\0+": (">4xQ", ">Q", ">2xHQ8x"),
}
"""For the beginning of a TIFF file: the forms of its offset, of its number of tags, and of type and length of a tag."""

_STAY_BYTES = (1, 2, 6, 7)
"""The types of TIFF tags whose values stay bytes; each number of another type becomes a Python object."""


def _check_directory(head: bytes, file: _BoundedReader) -> None:
    """Refuse a TIFF image whose tags have more numbers than an image needs; damaged ones are left to Pillow."""
    if head[:4] not in _TIFF_FORMS:  # one that only Pillow knows, by its damaged version
        return
    offset, count, tag = (struct.Struct(form) for form in _TIFF_FORMS[head[:4]])
    try:
        file.seek(offset.unpack_from(head, 4)[0])
        tags = file.read(count.unpack(file.read(count.size))[0] * tag.size)
    except (struct.error, OSError, ValueError, OverflowError):
        return
    whole = tags[: len(tags) // tag.size * tag.size]
    numbers = sum(values for kind, values in tag.iter_unpack(whole) if kind not in _STAY_BYTES)
    if numbers > TIFF_NUMBERS:
        raise OutOfBounds(f"has {numbers:,} numbers in its TIFF tags; at most {TIFF_NUMBERS:,} are read")


def check_decoding(image: PIL.ImageFile.ImageFile, max_pixels: int) -> None:
    """Refuse an opened image whose size says little about the time and memory that its decoding takes.

    These are TIFF images of huge tiles, and progressive JPEG images of thousands of scans.
    """
    if image.format == "TIFF":
        width, height = (getattr(image, "tag_v2", {}).get(side, 1) for side in _TILE_SIDES)
        if isinstance(width, int) and isinstance(height, int) and width * height > max_pixels:
            raise OutOfBounds(f"has tiles of {height:,} x {width:,} pixels; at most {max_pixels:,} are decoded")
    elif image.info.get("progressive") and isinstance(image.fp, _BoundedReader):
        scans = _count(_SCAN, image.fp)
        image.fp.expect(image.width * image.height)
        if scans > SCANS:
            raise OutOfBounds(f"has {scans:,} scans; at most {SCANS} are decoded")


_TILE_SIDES = (322, 323)
"""The TIFF tags of the width and the height of a tile."""


def _count(marker: bytes, file: _BoundedReader) -> int:
    """The number of times that two bytes occur in a file, whose place does not change."""
    place, found, last = file.tell(), 0, b""
    file.seek(0)
    while block := file.read(_BLOCK):
        found += block.count(marker) + (last + block[:1] == marker)
        last = block[-1:]
    file.seek(place)
    return found
