"""Digits data set included in the package."""

from __future__ import annotations

import gzip
from importlib.resources import files
from typing import Any

import numpy as np
import PIL.Image
from torch.utils.data import Dataset

IMAGES = 1797
SIDE = 8
FULL = 16
"""Largest pixel value in the file."""


class Digits(Dataset[dict[str, Any]]):
    """Images and labels of one split: every fifth image belongs to val, the others to train."""

    def __init__(self, split: str) -> None:
        packed = files("registry_builtin").joinpath("data/digits.gz").read_bytes()
        data = np.frombuffer(gzip.decompress(packed), dtype=np.uint8)
        pixels, labels = data[: IMAGES * SIDE * SIDE], data[IMAGES * SIDE * SIDE :]
        images = (pixels.astype(np.uint16) * 255 // FULL).astype(np.uint8).reshape(IMAGES, SIDE, SIDE)
        is_val = np.arange(IMAGES) % 5 == 4
        chosen = {"train": ~is_val, "val": is_val, "all": np.ones(IMAGES, dtype=bool)}[split]
        self.images = images[chosen]
        self.targets = labels[chosen].astype(np.int64)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input": PIL.Image.fromarray(self.images[index]), "target": int(self.targets[index])}
