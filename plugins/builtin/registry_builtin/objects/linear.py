"""Linear transformation read from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torchvision.transforms.v2 import LinearTransformation

from registry_builtin.transforms.matrix_file import MATRIX, MEAN, is_npz, matrix_size


def linear_transformation(file: Path) -> LinearTransformation:
    """Return torchvision's transform with the matrix and the mean of a file, as float32."""
    matrix_size(file)
    if is_npz(file):
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: torch.from_numpy(arrays[name]) for name in (MATRIX, MEAN)}
    else:
        with safe_open(file, "pt") as tensors:
            found = {name: tensors.get_tensor(name) for name in (MATRIX, MEAN)}
    return LinearTransformation(found[MATRIX].to(torch.float32), found[MEAN].to(torch.float32))
