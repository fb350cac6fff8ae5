"""Files with a matrix and a mean vector; their sizes are read from the headers alone, without torch."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

from registry_core.diagnostics import DataError

MATRIX, MEAN = "transformation_matrix", "mean_vector"
_LONGEST_HEADER = 100_000_000
_RECOMPUTE = "Compute it again with `registry-core whiten PIPELINE --out FILE`."


def matrix_size(path: Path) -> int:
    """Return D of a file with a matrix [D, D] and a mean [D]; DataError if the file contains anything else."""
    try:
        shapes = _npz_shapes(path) if zipfile.is_zipfile(path) else _safetensors_shapes(path)
    except (OSError, ValueError, KeyError, TypeError, struct.error, zipfile.BadZipFile) as error:
        message = f"The file '{path}' cannot be read as safetensors or .npz: {type(error).__name__}: {error}."
        raise DataError(message, _RECOMPUTE) from error
    missing = [name for name in (MATRIX, MEAN) if name not in shapes]
    if missing:
        has = ", ".join(shapes) or "nothing"
        message = f"The file '{path}' does not contain {' or '.join(missing)}. It contains: {has}."
        raise DataError(message, _RECOMPUTE)
    matrix, mean = shapes[MATRIX], shapes[MEAN]
    if len(matrix) != 2 or matrix[0] != matrix[1] or mean != matrix[:1]:
        message = f"The file '{path}' has a matrix {list(matrix)} and a mean {list(mean)}, not [D, D] and [D]."
        raise DataError(message, _RECOMPUTE)
    return matrix[0]


def _safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError("its header is too long")
        header = json.loads(file.read(length))
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def _npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    from numpy.lib import format as npy  # not needed to read safetensors

    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                major, _ = npy.read_magic(file)
                read = npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0
                shapes[name.removesuffix(".npy")] = read(file)[0]
    return shapes
