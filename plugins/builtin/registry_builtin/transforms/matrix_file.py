"""Files with a matrix and a mean: their sizes are read from the headers alone, without torch."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

from registry_core.diagnostics import DataError

MATRIX, MEAN = "transformation_matrix", "mean_vector"
_LONGEST_HEADER = 100_000_000


def matrix_size(path: Path) -> int:
    """D of a file with a matrix [D, D] and a mean [D]; DataError if it has something else."""
    try:
        shapes = _npz_shapes(path) if zipfile.is_zipfile(path) else _safetensors_shapes(path)
    except (OSError, ValueError, KeyError, TypeError, struct.error, zipfile.BadZipFile) as error:
        message = f"The file '{path}' cannot be read as safetensors or .npz: {type(error).__name__}: {error}."
        raise DataError(f"{message} Make it again.") from error
    missing = [name for name in (MATRIX, MEAN) if name not in shapes]
    if missing:
        has = ", ".join(shapes) or "nothing"
        raise DataError(f"The file '{path}' has no {' and no '.join(missing)}. It has: {has}.")
    matrix, mean = shapes[MATRIX], shapes[MEAN]
    if len(matrix) != 2 or matrix[0] != matrix[1] or mean != matrix[:1]:
        raise DataError(f"The file '{path}' has a matrix {list(matrix)} and a mean {list(mean)}, not [D, D] and [D].")
    return matrix[0]


def _safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def _npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from numpy.lib import format as npy  # needed for nothing else here

    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                major, _ = npy.read_magic(file)
                read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
                shapes[name.removesuffix(".npy")] = read(file)[0]
    return shapes
