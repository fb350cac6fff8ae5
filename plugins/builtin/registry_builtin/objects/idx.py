"""MNIST from its IDX files, in one array."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from torch.utils.data import Dataset

from registry_builtin.datasets.idx_file import IdxFile, find_split, open_idx, unreadable
from registry_core.errors import DataError

CLASSES = 10


class Mnist(Dataset[dict[str, Any]]):
    """Images and labels of one split; both are arrays, so that worker processes share their memory."""

    def __init__(self, root: Path, split: str) -> None:
        image_file, label_file = find_split(root, split)
        self.images = _values(image_file)
        self.targets = _values(label_file).astype(np.int64)
        wrong = np.flatnonzero(self.targets >= CLASSES)
        if len(wrong):
            message = f"The file '{label_file.path}' has the label {self.targets[wrong[0]]} at image {wrong[0]}"
            raise DataError(f"{message}; labels are 0 to {CLASSES - 1}. Fetch it again.")

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input": PIL.Image.fromarray(self.images[index]), "target": int(self.targets[index])}


def _values(file: IdxFile) -> NDArray[np.uint8]:
    expected = math.prod(file.shape)
    try:
        with open_idx(file.path) as stream:
            stream.seek(file.header_size)
            data = stream.read()  # not read(expected): a damaged header may state more than the memory holds
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(file.path, error) from error
    if len(data) != expected:
        message = f"The file '{file.path}' has {len(data)} values, but its header states {expected}"
        raise DataError(f"{message}. Fetch it again.")
    return np.frombuffer(data, dtype=np.uint8).reshape(file.shape)
