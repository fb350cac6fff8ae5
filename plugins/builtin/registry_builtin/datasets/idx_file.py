"""IDX files, the format of MNIST: finding them, and reading their headers."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from registry_core.diagnostics import DataError

_PREFIX = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTES = 0x08

CLASSES = 10


@dataclass(frozen=True)
class IdxFile:
    """An IDX file of unsigned bytes: its path, plain or gzip, and its shape."""

    path: Path
    shape: tuple[int, ...]

    @property
    def header_size(self) -> int:
        """Bytes before the values."""
        return 4 + 4 * len(self.shape)


def find_split(root: Path, split: str) -> tuple[IdxFile, IdxFile]:
    """The image file and the label file of a split, with as many images as labels."""
    images = read_header(_find(root, f"{_PREFIX[split]}-images-idx3-ubyte"), 3)
    labels = read_header(_find(root, f"{_PREFIX[split]}-labels-idx1-ubyte"), 1)
    if images.shape[0] != labels.shape[0]:
        counts = f"has {images.shape[0]} images, but '{labels.path}' has {labels.shape[0]} labels"
        raise DataError(f"The file '{images.path}' {counts}. Fetch both files again.")
    for file in (images, labels):
        _check_size(file)
    return images, labels


def _find(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if path.is_file():
            return path
    if not root.is_dir():
        raise DataError(f"The folder '{root}' does not exist. Set root to the folder of the MNIST files.")
    raise DataError(f"The folder '{root}' has no file '{name}' or '{name}.gz'. Set root to the MNIST folder.")


def open_idx(path: Path) -> BinaryIO:
    """Open a plain or gzip file for reading."""
    return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def read_header(path: Path, dimensions: int) -> IdxFile:
    """The shape that the header states; DataError if it is not the header of unsigned bytes with these dimensions."""
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
        raise DataError(f"The file '{path}' is not an IDX file of {dimensions} dimensions: it {found}. Fetch it again.")
    found_file = IdxFile(path, struct.unpack(f">{dimensions}I", header[4:]))
    if min(found_file.shape) == 0:
        raise DataError(f"The file '{path}' has the shape {list(found_file.shape)} and holds nothing. Fetch it again.")
    return found_file


def read_values(file: IdxFile) -> bytes:
    """All values of a file; DataError unless there are as many as its header states."""
    try:
        with open_idx(file.path) as stream:
            stream.seek(file.header_size)
            data = stream.read()  # not read(expected): a damaged header may state more than the memory holds
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(file.path, error) from error
    _check_count(file, len(data))
    return data


def check_labels(file: IdxFile, labels: bytes, classes: int) -> None:
    """Raise DataError for the first label that is no class."""
    if max(labels) >= classes:
        place = next(place for place, label in enumerate(labels) if label >= classes)
        message = f"The file '{file.path}' has the label {labels[place]} at image {place}"
        raise DataError(f"{message}; labels are 0 to {classes - 1}. Fetch it again.")


def _check_size(file: IdxFile) -> None:
    """Compare the size of a file with its header; of a gzip file, its last bytes tell what it unpacks to."""
    stated = file.header_size + math.prod(file.shape)
    try:
        size = file.path.stat().st_size
        if file.path.suffix == ".gz":
            with file.path.open("rb") as packed:
                packed.seek(-4, 2)
                size = int.from_bytes(packed.read(), "little")
            if size == stated % 2**32:
                return
            with open_idx(file.path) as stream:  # it is cut off, or of several parts, and has to be unpacked
                size = sum(len(block) for block in iter(lambda: stream.read(2**20), b""))
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(file.path, error) from error
    _check_count(file, size - file.header_size)


def _check_count(file: IdxFile, count: int) -> None:
    stated = math.prod(file.shape)
    if count != stated:
        message = f"The file '{file.path}' has {count} values, but its header states {stated}"
        raise DataError(f"{message}. Fetch it again.")


def unreadable(path: Path, error: Exception) -> DataError:
    """The error for a file that cannot be read or unpacked."""
    return DataError(f"The file '{path}' cannot be read: {error}. Fetch it again.")
