"""Files with a matrix and a mean vector; their sizes are read from the headers alone, without torch."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import BinaryIO

from registry_core.components.regular_file import open_regular
from registry_core.components.safetensors_header import BadHeader, read_header
from registry_core.components.zip_archive import Archive, BadArchive
from registry_core.diagnostics import DataError

MATRIX, MEAN = "transformation_matrix", "mean_vector"
LARGEST = 32_768
"""Rows of a matrix; one of float32 has 4 GB then."""

_RECOMPUTE = "Compute it again with `registry-core whiten PIPELINE --out FILE`."
_LONGEST_NPY_HEADER = 500


def matrix_size(path: Path) -> int:
    """Return D of a file with a matrix [D, D] and a mean [D]; DataError if the file contains anything else.

    What the file states is compared with its size, and the members of an .npz file are verified, before a value is
    read.
    """
    try:
        with io.BufferedReader(open_regular(path)) as file:
            shapes = _npz_shapes(file) if is_npz(path) else _safetensors_shapes(file)
    except (OSError, ValueError, BadArchive, BadHeader, struct.error) as error:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or "its header is damaged"
        raise DataError(f"The file '{path}' cannot be read as safetensors or .npz: {reason}.", _RECOMPUTE) from error
    missing = [name for name in (MATRIX, MEAN) if name not in shapes]
    if missing:
        has = ", ".join(list(shapes)[:4]) or "nothing"
        message = f"The file '{path}' does not contain {' or '.join(missing)}. It contains: {has}."
        raise DataError(message, _RECOMPUTE)
    matrix, mean = shapes[MATRIX], shapes[MEAN]
    if len(matrix) != 2 or matrix[0] != matrix[1] or mean != matrix[:1]:
        message = f"The file '{path}' has a matrix {list(matrix)} and a mean {list(mean)}, not [D, D] and [D]."
        raise DataError(message, _RECOMPUTE)
    if matrix[0] > LARGEST:
        message = f"The file '{path}' has a matrix of {matrix[0]:,} rows, more than {LARGEST:,}."
        raise DataError(message, "Whiten smaller images.")
    return matrix[0]


def is_npz(path: Path) -> bool:
    """Return True for a zip file, by its first bytes."""
    with open_regular(path) as file:
        return file.read(4) == b"PK\x03\x04"


def _safetensors_shapes(file: BinaryIO) -> dict[str, tuple[int, ...]]:
    return {name: entry.shape for name, entry in read_header(file).items()}


def _npz_shapes(file: BinaryIO) -> dict[str, tuple[int, ...]]:
    archive = Archive(file)
    archive.require_sound()
    shapes = {}
    for name in (MATRIX, MEAN):
        if (member := archive.members.get(f"{name}.npy")) is not None:
            start = next(archive.chunks(member), b"")
            shape, size = _npy_header(start)
            if size != member.size:
                raise BadArchive(f"its array {name!r} has not the size that it states")
            shapes[name] = shape
    return shapes or {name.removesuffix(".npy"): () for name in archive.members}


def _npy_header(start: bytes) -> tuple[tuple[int, ...], int]:
    """The shape that the beginning of an .npy file states, and the size of the file that follows from it."""
    from numpy.lib import format as npy  # not needed to read safetensors

    file = io.BytesIO(start)
    read = npy.read_array_header_1_0 if npy.read_magic(file)[0] == 1 else npy.read_array_header_2_0
    try:
        shape, _, dtype = read(file, max_header_size=_LONGEST_NPY_HEADER)
    except Exception as error:  # NumPy passes on what the parser of Python raises
        raise ValueError(f"the header of an array is damaged ({type(error).__name__})") from error
    if dtype.hasobject:
        raise ValueError("it holds objects")
    return shape, file.tell() + math.prod(shape) * dtype.itemsize
