"""Data sets of image files, listed in an index file or sorted into class folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from registry_builtin.datasets.image_lists import label_of, read_labelled
from registry_core.components.class_folders import Choice, ClassFolders, scan_class_folders
from registry_core.components.image_file import decode_image
from registry_core.components.index_file import Index


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
        mode: str,
        lines: Sequence[int] = (),
        index: str = "",
    ) -> None:
        self.base = base
        self.paths = Texts(paths)
        self.targets: NDArray[np.int64] = np.asarray(targets, dtype=np.int64)
        self.mode = mode
        self.lines = np.asarray(lines, dtype=np.int64)
        self.index = index

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict[str, Any]:
        place = range(len(self))[index]
        image = decode_image(self.sample_path(place), self.mode, self.describe_sample(place))
        return {"input": image, "target": int(self.targets[place])}

    def sample_path(self, index: int) -> str:
        """Return the file of an image."""
        return os.path.join(self.base, self.paths[index])  # noqa: PTH118  # Path takes ten times as long per sample

    def describe_sample(self, index: int) -> str:
        """Return the path of an image as written, and the line that lists it."""
        if not self.index:
            return label_of(self.sample_path(index))
        return label_of(self.paths[index], int(self.lines[index]), self.index)


def from_index(index: Path, mode: str, classes: int | None, root: Path | None) -> ImageFiles:
    """Return the images listed in an index file."""
    return listed_images(read_labelled(index, classes)[0], index, mode, root)


def listed_images(found: Index, index: Path, mode: str, root: Path | None) -> ImageFiles:
    """Return the images of an index file that was read before."""
    return ImageFiles(root or index.parent, found.paths, found.labels, mode, found.lines, str(index))


def from_folder(root: Path, mode: str, choice: Choice) -> ImageFiles:
    """Return the images in the class folders of a folder."""
    return sorted_images(scan_class_folders(root, choice), mode)


def sorted_images(found: ClassFolders, mode: str) -> ImageFiles:
    """Return the images of class folders that were listed before."""
    paths = [path for group in found.paths for path in group]
    targets = [label for label, group in enumerate(found.paths) for _ in group]
    return ImageFiles(found.root, paths, targets, mode)
