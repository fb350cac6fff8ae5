"""Image files: reading their size and their pixels, with one clear error for every failure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import PIL.Image
import PIL.ImageFile

from registry_core.diagnostics import DataError, as_clause

T = TypeVar("T")


def decode_image(path: str | Path, mode: str, label: str = "") -> PIL.Image.Image:
    """The image of a file in the Pillow mode ``mode``; DataError if it cannot be decoded completely.

    Messages name it by ``label``, or by its path.
    """
    return _read(path, label or f"'{path}'", lambda image: image.convert(mode))


def read_size(path: str | Path, label: str) -> tuple[int, int]:
    """Height and width of an image file, from its header; DataError, naming it by ``label``, if it is not an image."""
    return _read(path, label, lambda image: (image.height, image.width))


def _read(path: str | Path, label: str, take: Callable[[PIL.Image.Image], T]) -> T:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False  # a plugin may have set it: half an image would pass silently
            with PIL.Image.open(path) as image:
                _check_depth(image)
                return take(image)
    except FileNotFoundError as error:
        raise DataError(f"The image {label} does not exist.", "Correct its path, or leave it out.") from error
    except Exception as error:  # Pillow's decoders raise many types for damaged files
        message = f"The image {label} cannot be decoded: {_reason(error, path)}."
        raise DataError(message, "Replace or remove it.") from error


def _check_depth(image: PIL.Image.Image) -> None:
    """Raise ValueError for images that Pillow would silently clip at 255."""
    if image.mode.startswith(("I", "F")):
        raise ValueError(f"its pixels have more than 8 bits per channel (Pillow mode {image.mode})")


def _reason(error: Exception, path: str | Path) -> str:
    if isinstance(error, PIL.UnidentifiedImageError) and not Path(path).stat().st_size:
        return "the file is empty"
    if isinstance(error, PIL.UnidentifiedImageError):  # its text repeats the path
        return "it is not an image in a format that Pillow knows"
    return as_clause(str(error)) or type(error).__name__
