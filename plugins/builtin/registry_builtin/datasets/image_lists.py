"""Checks of listed images before training: labels, missing files, and consistent sizes."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from registry_core.components import Image, Sources
from registry_core.components.folder_listing import FolderListing, list_folder
from registry_core.components.image_reading import ImageReading
from registry_core.components.index_file import Index, first_of, read_index
from registry_core.components.sources import FileIds
from registry_core.diagnostics import DataError, MissingData

_SAMPLED = 16


def read_labelled(path: Path, classes: int | None, *, checked: bool) -> tuple[Index, int]:
    """Read an index file and its number of classes; DataError, with ``file:line``, for labels outside them.

    The number of classes is ``classes``, else the number of names in the file, else one more than the largest label. If
    it is known, and ``checked`` is false, labels outside the classes are no error, unless all are counted from 1.
    """
    index = read_index(path)
    known = known_classes(index, classes)
    labels = set(index.labels)
    count = known if known is not None else max(labels) + 1
    if min(labels) < 0 or max(labels) >= max(count, 1):
        wrong = [entry for entry in index if not 0 <= entry.label < max(count, 1)]
        outside = f"is outside the classes 0 to {known - 1}" if known is not None else "is negative"
        listed = first_of([f"{path}:{one.line}: The label {one.label} of '{one.path}' {outside}." for one in wrong])
        if known is not None and (min(labels), max(labels)) == (1, known):
            raise DataError(listed, "Number the classes from 0, not from 1.")
        if known is not None and not checked:
            return index, count
        raise DataError(listed, f"Correct the labels{' or classes' if classes is not None else ''}.")
    return index, count


def known_classes(index: Index, classes: int | None) -> int | None:
    """Return the number of classes if it is a parameter or the file names them."""
    return classes if classes is not None else len(index.class_names) or None


def files_of(index: Index, base: Path, path: Path, *, checked: bool) -> Sources:
    """Return the image files that are read; DataError for missing ones, if ``checked`` is true.

    Each folder is listed only once, which is fast on network drives.
    """
    listed: dict[str, tuple[FolderListing, list[str]]] = {}
    missing = []
    for place, image in enumerate(index.paths):
        folder, slash, name = image.rpartition("/")
        above = folder + slash
        known = listed.get(above)
        if known is None:
            known = listed[above] = _listing(base / above), []
        listing, names = known
        if name in listing.inodes or name in listing.linked:
            names.append(name)
        elif not os.path.isfile(os.path.join(base, image)):  # noqa: PTH113, PTH118  # Path takes five times as long
            missing.append(index[place])
    if missing and (checked or len(missing) == len(index)):
        shown = first_of([f"{path}:{entry.line}: The image '{entry.path}' does not exist." for entry in missing])
        message = f"{shown} Paths are relative to '{base}'."
        raise MissingData(message, "Correct the paths, or set root to the folder of the images.")
    files: FileIds = {}
    for listing, names in listed.values():
        listing.add_to(files, names)
    return Sources(files=files)


def _listing(folder: Path) -> FolderListing:
    try:
        return list_folder(str(folder))
    except OSError:  # files of a folder that cannot be listed may still be readable
        return FolderListing(str(folder), 0, {}, {}, [], [], [])


def listed_image(count: int, file: Callable[[int], tuple[str, str]], reading: ImageReading, *, checked: bool) -> Image:
    """Return the facts of ``count`` images, including the size if the headers that were read agree.

    ``file`` returns the path of an image and its label for messages. DataError if a header cannot be read or, if
    ``checked`` is false, if none can.
    """
    from registry_core.components.image_file import read_size

    places = sorted({round(n * (count - 1) / (_SAMPLED - 1)) for n in range(_SAMPLED)})
    sizes: set[tuple[int, int]] = set()
    for number, place in enumerate(places, 1):
        path, label = file(place)
        try:
            sizes.add(read_size(path, reading, label))
        except DataError:
            if checked or (number == len(places) and not sizes):
                raise
    image = image_read_as(reading)
    if len(sizes) == 1:
        height, width = sizes.pop()
        return image.changed(height=height, width=width)
    aspects = {Fraction(height, width) for height, width in sizes}
    return image.changed(varying=len(aspects) > 1 or aspects == {1}, square=aspects == {1})


def image_read_as(reading: ImageReading) -> Image:
    """Return the facts of images that are read in a mode."""
    channels = 3 if reading.mode.startswith("RGB") else 1
    return Image("float", channels, high=1.0) if reading.deep else Image("pil", channels)


def label_of(path: str, line: int | None = None, index: object = "") -> str:
    """Return how messages refer to an image: its path as written, and the line that lists it."""
    return f"'{path}'" if line is None else f"'{path}' (line {line} of {index})"
