"""MNIST read from its IDX files into arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from torch.utils.data import Dataset

from registry_builtin.datasets.idx_file import CLASSES, IdxFile, check_labels, find_split, read_values


class Mnist(Dataset[dict[str, Any]]):
    """Images and labels of one split, as arrays so that worker processes share their memory."""

    def __init__(self, root: Path, split: str, *, checked: bool) -> None:
        image_file, label_file = find_split(root, split)
        labels = read_values(label_file)
        if checked:
            check_labels(label_file, labels, CLASSES)
        self.file = str(image_file.path)
        self.images = _array(image_file, read_values(image_file))
        self.targets = _array(label_file, labels).astype(np.int64)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input": PIL.Image.fromarray(self.images[index]), "target": int(self.targets[index])}

    def describe_sample(self, index: int) -> str:
        """Return the index of an image in its file."""
        return f"image {index} of '{self.file}'"


def _array(file: IdxFile, values: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(values, dtype=np.uint8).reshape(file.shape)
