"""What the header of an image file tells that its decoded pixels do not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import PIL.Image

_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_SAME_FORMAT = {"MPO": "JPEG"}
"""Formats that are written under the names of another."""
_ORIENTATION = 0x0112


def look_at_file(path: str, mode: str) -> tuple[str, list[tuple[str, str]]]:
    """How an image file is stored, such as ``PNG P``, and remarks: kind and sentence; nothing if it is no image.

    ``mode`` is the Pillow mode of what the data set gives.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # reading the sample has told of them
            with PIL.Image.open(path) as image:
                return f"{image.format} {image.mode}", list(_remarks(image, path, mode))
    except Exception:  # what cannot be decoded is told of where it is read; Pillow raises many types
        return "", []


def _remarks(image: PIL.Image.Image, path: str, mode: str) -> Iterator[tuple[str, str]]:
    kind = _SAME_FORMAT.get(image.format or "", image.format)
    named = PIL.Image.registered_extensions().get(Path(path).suffix.lower())
    if named is not None and named != kind:
        yield "extension", f"It is a {image.format} file, and its name ends in {Path(path).suffix}."
    lost = _lost(image, mode)
    if lost:
        yield "converted", f"It is stored as Pillow mode {image.mode}; {lost} when it becomes {mode}."
    turned = PIL.Image.Image.getexif(image).get(_ORIENTATION, 1)  # that of PNG files would decode them first
    if turned != 1:
        yield "rotation", f"Its EXIF orientation is {turned}; pixels are taken as stored."
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # cameras add previews to these
        yield "frames", f"The file has {frames} images; the first is read."


def _lost(image: PIL.Image.Image, mode: str) -> str:
    if mode == image.mode or not mode:
        return ""
    if image.mode in _ALPHA or (image.mode == "P" and "transparency" in image.info):
        return "" if mode in _ALPHA else "its transparency is lost"
    if image.mode == "P" and image.format != "GIF":  # all of these have palettes
        return "its palette is resolved"
    return "its colours change" if image.mode in ("CMYK", "LAB", "HSV", "YCbCr") else ""
