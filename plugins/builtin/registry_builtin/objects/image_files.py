"""Data sets of image files, listed in an index file or sorted into class folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from torchvision import tv_tensors

from registry_builtin.datasets.image_lists import label_of, read_labelled
from registry_core.components.class_folders import Choice, ClassFolders, scan_class_folders
from registry_core.components.image_file import decode_deep_image, decode_image
from registry_core.components.image_reading import ImageReading
from registry_core.components.index_file import Index


def read_image(path: str | Path, reading: ImageReading, label: str = "") -> PIL.Image.Image | tv_tensors.Image:
    """Return the image of a file: a Pillow image, or in a deep mode a float tensor."""
    if not reading.deep:
        return decode_image(path, reading, label)
    made: tv_tensors.Image = tv_tensors.Image(torch.from_numpy(decode_deep_image(path, reading, label)))
    return made


class FileReader:
    """Reads image files in one way."""

    def __init__(self, reading: ImageReading) -> None:
        self.reading = reading

    def __call__(self, path: Path) -> PIL.Image.Image | tv_tensors.Image:
        """Return the image of a file."""
        return read_image(path, self.reading)


class Texts:
    """A list of strings in one block of memory: worker processes that read a list of objects would copy it."""

    def __init__(self, texts: Sequence[str]) -> None:
        encoded = [os.fsencode(text) for text in texts]
        self._block = b"".join(encoded)
        self._ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, place: int) -> str:
        start = 0 if place == 0 else int(self._ends[place - 1])
        return os.fsdecode(self._block[start : int(self._ends[place])])


class ImageFiles(Dataset[dict[str, Any]]):
    """Images with labels, decoded on access."""

    def __init__(
        self,
        base: Path,
        paths: Sequence[str],
        targets: Sequence[int],
        reading: ImageReading,
        lines: Sequence[int] = (),
        index: str = "",
    ) -> None:
        self.base = base
        self.paths = Texts(paths)
        self.targets: NDArray[np.int64] = np.asarray(targets, dtype=np.int64)
        self.reading = reading
        self.lines = np.asarray(lines, dtype=np.int64)
        self.index = index

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict[str, Any]:
        place = range(len(self))[index]
        image = read_image(self.sample_path(place), self.reading, self.describe_sample(place))
        return {"input": image, "target": int(self.targets[place])}

    def sample_path(self, index: int) -> str:
        """Return the file of an image."""
        return os.path.join(self.base, self.paths[index])  # noqa: PTH118  # Path takes ten times as long per sample

    def describe_sample(self, index: int) -> str:
        """Return the path of an image as written, and the line that lists it."""
        if not self.index:
            return label_of(self.sample_path(index))
        return label_of(self.paths[index], int(self.lines[index]), self.index)


def from_index(
    index: Path, classes: int | None, root: Path | None, reading: ImageReading, *, checked: bool
) -> ImageFiles:
    """Return the images listed in an index file."""
    return listed_images(read_labelled(index, classes, checked=checked)[0], index, reading, root)


def listed_images(found: Index, index: Path, reading: ImageReading, root: Path | None) -> ImageFiles:
    """Return the images of an index file that was read before."""
    return ImageFiles(root or index.parent, found.paths, found.labels, reading, found.lines, str(index))


def from_folder(root: Path, choice: Choice, reading: ImageReading) -> ImageFiles:
    """Return the images in the class folders of a folder."""
    return sorted_images(scan_class_folders(root, choice), reading)


def sorted_images(found: ClassFolders, reading: ImageReading) -> ImageFiles:
    """Return the images of class folders that were listed before."""
    paths = [path for group in found.paths for path in group]
    targets = [label for label, group in enumerate(found.paths) for _ in group]
    return ImageFiles(found.root, paths, targets, reading)
