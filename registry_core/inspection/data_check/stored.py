"""The facts in the header of an image file that its decoded pixels do not show."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import PIL.Image
import PIL.ImageFile

from registry_core.components.image_formats import EXTENSIONS
from registry_core.components.image_opening import OutOfBounds, open_image
from registry_core.components.image_orientation import orientation_in_header
from registry_core.components.image_reading import MAX_PIXELS, ImageReading

_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_SAME_FORMAT = {"MPO": "JPEG"}
"""Formats that use the file extensions of another."""


def look_at_file(path: str, mode: str, reading: object = None) -> tuple[str, list[tuple[str, str]]]:
    """The storage of an image file, such as ``PNG P``, and remarks: kind and sentence; empty if it is no image.

    ``mode`` is the Pillow mode of the image in the sample, ``reading`` the ``ImageReading`` of the data set, if it has
    one.
    """
    known = reading if isinstance(reading, ImageReading) else None
    mode = known.mode if known else mode
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # already reported when the sample was read
            with open_image(path, known.max_pixels if known else MAX_PIXELS) as image:
                return f"{image.format} {image.mode}", list(_remarks(image, path, mode, known))
    except Exception:  # already reported when the sample was read; Pillow raises many types
        return "", []


def _remarks(
    image: PIL.ImageFile.ImageFile, path: str, mode: str, reading: ImageReading | None
) -> Iterator[tuple[str, str]]:
    kind = _SAME_FORMAT.get(image.format or "", image.format)
    named = EXTENSIONS.get(Path(path).suffix.lower())
    if named is not None and named != kind:
        yield "extension", f"It is a {image.format} file, but its name ends in {Path(path).suffix}."
    lost = _lost(image, mode, reading)
    if lost:
        yield "converted", f"It is stored as Pillow mode {image.mode}; {lost} when it becomes {mode}."
    turned = orientation_in_header(image)
    ignores = image.format != "TIFF" if reading is None else reading.orientation == "stored"  # Pillow turns TIFF files
    if turned != 1 and ignores:
        ignored = "which is not applied" if reading else "which the dataset may not apply"
        yield "rotation", f"Its EXIF orientation is {turned}, {ignored}."
    frames = "" if image.format == "MPO" else _frames(image)  # cameras add previews to MPO files
    if frames:
        yield "frames", f"The file has {frames} images; only the first is read."


def _frames(image: PIL.ImageFile.ImageFile) -> str:
    """The number of images in a file; empty for one, ``many`` if counting them would take long."""
    try:
        frames = getattr(image, "n_frames", 1)
    except OutOfBounds:  # GIF and TIFF files do not say how many they have
        return "many"
    return "" if frames == 1 else f"{frames:,}"


def _lost(image: PIL.Image.Image, mode: str, reading: ImageReading | None) -> str:
    if mode == image.mode or not mode:
        return ""
    if image.mode in _ALPHA or (image.mode == "P" and "transparency" in image.info):
        covered = reading is not None and reading.background is not None
        lost = "its transparent pixels show the background" if covered else "its transparency is lost"
        return "" if mode in _ALPHA else lost
    if image.mode == "P" and image.format != "GIF":  # every GIF has a palette
        return "its palette is resolved"
    return "its colours change" if image.mode in ("CMYK", "LAB", "HSV", "YCbCr") else ""
