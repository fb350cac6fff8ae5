"""The orientation of an image file, from its EXIF data, XMP data or TIFF tag, and turning its pixels accordingly."""

from __future__ import annotations

import warnings

import PIL.Image
import PIL.ImageFile
from PIL.Image import Transpose

from registry_core.components.image_reading import Orientation

_TAG = 0x0112
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""The turn from stored to displayed pixels for each orientation but 1, the upright one."""

_BACK = {**_TURNS, 6: Transpose.ROTATE_90, 8: Transpose.ROTATE_270}
"""The turn from displayed to stored pixels."""

_SIGNATURE = 8
_CHUNK_HEAD, _CHUNK_SUM = 8, 4


def orientation_of(image: PIL.Image.Image) -> int:
    """The orientation of an opened image file, 1 to 8; 1 if the file states none, or no valid one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged EXIF data: viewers show the image as it is stored
            found = PIL.Image.Image.getexif(image).get(_TAG, 1)  # PNG's own method decodes all pixels
    except Exception:  # Pillow raises many types for damaged EXIF data
        return 1
    return found if found in _TURNS else 1


def orientation_in_header(image: PIL.ImageFile.ImageFile) -> int:
    """The orientation of an opened image file whose pixels are not decoded."""
    if image.format == "PNG" and "exif" not in image.info and (late := _late_exif(image)):
        image.info["exif"] = late
    return orientation_of(image)


def _late_exif(image: PIL.ImageFile.ImageFile) -> bytes | None:
    """The EXIF data of a PNG file, which may follow the pixels, where Pillow finds them only with the pixels."""
    file = image.fp
    if file is None:
        return None
    place = file.tell()
    try:
        file.seek(_SIGNATURE)
        while len(head := file.read(_CHUNK_HEAD)) == _CHUNK_HEAD and head[4:] != b"IEND":
            length = int.from_bytes(head[:4], "big")
            if head[4:] == b"eXIf":
                return b"Exif\x00\x00" + file.read(length)
            file.seek(length + _CHUNK_SUM, 1)
        return None
    finally:
        file.seek(place)


def swaps_sides(image: PIL.Image.Image, orientation: int, wanted: Orientation) -> bool:
    """True if height and width as Pillow states them are exchanged in the image that is read."""
    return orientation >= 5 and (wanted == "stored") == _turned_by_pillow(image)


def loaded_with_orientation(image: PIL.Image.Image) -> int:
    """Decode the pixels of an opened image file, and return its orientation."""
    before = orientation_of(image) if _turned_by_pillow(image) else 1  # Pillow turns a TIFF image and drops its tag
    image.load()
    return before if _turned_by_pillow(image) else orientation_of(image)


def turned(pixels: PIL.Image.Image, file: PIL.Image.Image, orientation: int, wanted: Orientation) -> PIL.Image.Image:
    """The pixels of an opened file, as Pillow has decoded them, displayed or stored."""
    if orientation == 1 or (wanted == "displayed") == _turned_by_pillow(file):
        return pixels
    return pixels.transpose((_TURNS if wanted == "displayed" else _BACK)[orientation])


def _turned_by_pillow(file: PIL.Image.Image) -> bool:
    return file.format == "TIFF"
