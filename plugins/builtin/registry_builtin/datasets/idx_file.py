"""IDX files, the format of MNIST: locating them and reading their headers."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from registry_core.components.regular_file import open_regular
from registry_core.diagnostics import DataError, MissingData

_PREFIX = {"train": "train", "test": "t10k"}
_UNSIGNED_BYTES = 0x08

CLASSES = 10

LARGEST = 2**32 - 1
"""Bytes of an uncompressed file."""

_EXPANSION = 1_032
"""The format of gzip packs no better than this."""

_CHUNK = 2**20
_PACKED = 2**16
_MOST_MEMBERS = 10_000
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


def _pieces(path: Path, most: int) -> Iterator[bytes]:
    """The content of a plain or gzip file, in pieces of ``most`` bytes or less; DataError if it cannot be read."""
    try:
        with open_regular(path) as file:
            yield from _unpacked(file, most) if path.suffix == ".gz" else iter(lambda: file.read(most), b"")
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _unpacked(file: FileIO, most: int) -> Iterator[bytes]:
    """The members of a gzip file; their checksums are compared. zlib.error or EOFError if it is damaged."""
    packed = b""
    for _ in range(_MOST_MEMBERS):
        unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not unpack.eof:
            packed = packed or file.read(_PACKED)
            if not packed:
                raise EOFError("it is cut off")
            piece = unpack.decompress(packed, most)
            packed = unpack.unconsumed_tail
            if piece:
                yield piece
        packed = (unpack.unused_data or file.read(_PACKED)).lstrip(b"\0")
        if not packed:
            break
    if packed or file.read(1):
        raise EOFError(f"something follows its end, or it has more than {_MOST_MEMBERS:,} members")


def read_header(path: Path, dimensions: int) -> IdxFile:
    """Read the shape from the header; DataError unless it is that of unsigned bytes with these dimensions."""
    size = 4 + 4 * dimensions
    header = b""
    for piece in _pieces(path, size):
        header = (header + piece)[:size]
        if len(header) == size:
            break
    expected = _UNSIGNED_BYTES << 8 | dimensions
    magic = int.from_bytes(header[:4], "big")
    if len(header) < size or magic != expected:
        found = f"starts with {magic:#010x}, not {expected:#010x}" if len(header) >= 4 else "is too short"
        raise DataError(f"The file '{path}' is not an IDX file with {dimensions} dimensions: it {found}.", _DOWNLOAD)
    found_file = IdxFile(path, struct.unpack(f">{dimensions}I", header[4:]))
    if min(found_file.shape) == 0:
        raise DataError(f"The file '{path}' is empty: its shape is {list(found_file.shape)}.", _DOWNLOAD)
    if (stated := size + math.prod(found_file.shape)) > LARGEST:
        raise DataError(f"The file '{path}' states {stated:,} bytes, more than {LARGEST:,}.", _DOWNLOAD)
    return found_file


def read_values(file: IdxFile) -> bytes:
    """Read all values of a file; DataError unless their number matches the header."""
    return b"".join(_values(file))


def _values(file: IdxFile) -> Iterator[bytes]:
    """The values of a file, a piece at a time; DataError unless their number matches the header.

    Of more values than are stated, at most one piece is read. The checksum of a gzip file is behind its last value.
    """
    stated, count, header = math.prod(file.shape), 0, file.header_size
    for piece in _pieces(file.path, _CHUNK):
        values, header = piece[header:], max(0, header - len(piece))
        count += len(values)
        if count > stated + _CHUNK:
            raise DataError(f"The file '{file.path}' has more values than its header states, {stated}.", _DOWNLOAD)
        yield values
    if count != stated:
        raise DataError(f"The file '{file.path}' has {count} values, but its header states {stated}.", _DOWNLOAD)


def check_labels(file: IdxFile, labels: bytes, classes: int) -> None:
    """Raise DataError for the first label that is not a class index."""
    if max(labels) >= classes:
        place = next(place for place, label in enumerate(labels) if label >= classes)
        message = f"The file '{file.path}' has the label {labels[place]} for image {place}, outside 0 to {classes - 1}."
        raise DataError(message, _DOWNLOAD)


def _check_size(file: IdxFile) -> None:
    """Compare the size of a file with its header, as cheaply as possible; DataError if they differ."""
    stated = file.header_size + math.prod(file.shape)
    try:
        with open_regular(file.path) as opened:
            size = opened.seek(0, 2)
            if file.path.suffix == ".gz" and size * _EXPANSION < 2**32 + stated:
                opened.seek(-4, 2)  # its uncompressed size, without multiples of 2**32, which it is too small for
                size = int.from_bytes(opened.read(4), "little")
    except OSError as error:
        raise _unreadable(file.path, error) from error
    if size != stated:
        for _ in _values(file):  # it is of several members, large enough for more than 2**32 bytes, or wrong
            pass


def _unreadable(path: Path, error: Exception) -> DataError:
    """Return the error for a file that cannot be read or decompressed."""
    return DataError(f"The file '{path}' cannot be read: {error}.", _DOWNLOAD)
