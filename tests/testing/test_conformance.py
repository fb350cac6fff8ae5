"""The built-ins under the conformance kit, with small files in the place of data that come from elsewhere."""

from __future__ import annotations

import atexit
import gzip
import shutil
import struct
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from registry_core.testing import Check, conformance

NUMBERS = 3 * 24 * 24
"""Numbers of the images that transforms are tested with."""


def _files() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("cat", "dog"):
        (folder / "classes" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), (name == "cat" and "red") or "blue").save(folder / "classes" / name / "one.png")
    (folder / "index.txt").write_text("classes/cat/one.png 0\nclasses/dog/one.png 1\n")
    images = np.arange(3 * 28 * 28, dtype=np.uint8)
    with gzip.open(folder / "train-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">IIII", 2051, 3, 28, 28) + images.tobytes())
    with gzip.open(folder / "train-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">II", 2049, 3) + bytes([0, 1, 2]))
    matrix = {"transformation_matrix": torch.eye(NUMBERS) / 2, "mean_vector": torch.full((NUMBERS,), 0.5)}
    save_file(matrix, folder / "white.safetensors")
    return folder


FILES = _files()


@conformance(
    "registry-core",
    examples={
        "dataset/mnist": {"root": str(FILES), "split": "train"},
        "dataset/image_folder": {"root": str(FILES / "classes")},
        "dataset/image_index": {"index": str(FILES / "index.txt")},
        "transform/linear_transformation": {"file": str(FILES / "white.safetensors")},
    },
    at_least=2952,
)
def test_built_ins(check: Check) -> None:
    check()
