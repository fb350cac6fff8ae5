"""IDX files, the format of MNIST: locating them and reading their headers."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from registry_core.diagnostics import DataError, MissingData

_PREFIX = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTES = 0x08

CLASSES = 10

_SET_ROOT = "Set root to the folder of the MNIST files."
_DOWNLOAD = "Download it again."


@dataclass(frozen=True)
class IdxFile:
    """An IDX file of unsigned bytes: its path, plain or gzip, and its shape."""

    path: Path
    shape: tuple[int, ...]

    @property
    def header_size(self) -> int:
        """Size of the header in bytes."""
        return 4 + 4 * len(self.shape)


def find_split(root: Path, split: str) -> tuple[IdxFile, IdxFile]:
    """Return the image file and the label file of a split; DataError unless their lengths agree."""
    images = read_header(_find(root, f"{_PREFIX[split]}-images-idx3-ubyte"), 3)
    labels = read_header(_find(root, f"{_PREFIX[split]}-labels-idx1-ubyte"), 1)
    if images.shape[0] != labels.shape[0]:
        counts = f"has {images.shape[0]} images, but '{labels.path}' has {labels.shape[0]} labels"
        raise DataError(f"The file '{images.path}' {counts}.", "Download both files again.")
    for file in (images, labels):
        _check_size(file)
    return images, labels


def _find(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    if not root.is_dir():
        raise MissingData(f"The folder '{root}' does not exist.", _SET_ROOT)
    raise MissingData(f"The folder '{root}' does not contain '{name}' or '{name}.gz'.", _SET_ROOT)


def open_idx(path: Path) -> BinaryIO:
    """Open a plain or gzip file for reading."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def read_header(path: Path, dimensions: int) -> IdxFile:
    """Read the shape from the header; DataError unless it is that of unsigned bytes with these dimensions."""
    size = 4 + 4 * dimensions
    try:
        with open_idx(path) as file:
            header = file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
    expected = _UNSIGNED_BYTES << 8 | dimensions
    magic = int.from_bytes(header[:4], "big")
    if len(header) < size or magic != expected:
        found = f"starts with {magic:#010x}, not {expected:#010x}" if len(header) >= 4 else "is too short"
        raise DataError(f"The file '{path}' is not an IDX file with {dimensions} dimensions: it {found}.", _DOWNLOAD)
    found_file = IdxFile(path, struct.unpack(f">{dimensions}I", header[4:]))
    if min(found_file.shape) == 0:
        raise DataError(f"The file '{path}' is empty: its shape is {list(found_file.shape)}.", _DOWNLOAD)
    return found_file


def read_values(file: IdxFile) -> bytes:
    """Read all values of a file; DataError unless their number matches the header."""
    try:
        with open_idx(file.path) as stream:
            stream.seek(file.header_size)
            data = stream.read()  # not read(expected): a damaged header may state more than fits into memory
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(file.path, error) from error
    _check_count(file, len(data))
    return data


def check_labels(file: IdxFile, labels: bytes, classes: int) -> None:
    """Raise DataError for the first label that is not a class index."""
    if max(labels) >= classes:
        place = next(place for place, label in enumerate(labels) if label >= classes)
        message = f"The file '{file.path}' has the label {labels[place]} for image {place}, outside 0 to {classes - 1}."
        raise DataError(message, _DOWNLOAD)


def _check_size(file: IdxFile) -> None:
    """Compare the size of a file with its header; a gzip file ends with its uncompressed size."""
    stated = file.header_size + math.prod(file.shape)
    try:
        size = file.path.stat().st_size
        if file.path.suffix == ".gz":
            with file.path.open("rb") as packed:
                packed.seek(-4, 2)
                size = int.from_bytes(packed.read(), "little")
            if size == stated % 2**32:
                return
            with open_idx(file.path) as stream:  # truncated, or of several members: decompress to count
                size = sum(len(block) for block in iter(lambda: stream.read(2**20), b""))
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(file.path, error) from error
    _check_count(file, size - file.header_size)


def _check_count(file: IdxFile, count: int) -> None:
    stated = math.prod(file.shape)
    if count != stated:
        raise DataError(f"The file '{file.path}' has {count} values, but its header states {stated}.", _DOWNLOAD)


def unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for a file that cannot be read or decompressed."""
    return DataError(f"The file '{path}' cannot be read: {error}.", _DOWNLOAD)
