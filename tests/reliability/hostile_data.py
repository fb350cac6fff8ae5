"""Files of digits, lists and matrices that are made to harm who reads them: bombs, lies and loops."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from hostile_weights import (
    GIGABYTE,
    archive,
    called,
    edited,
    entry,
    old,
    pickled,
    safetensors,
    sparse,
    text,
    zeros,
)


def idx(shape: tuple[int, ...], values: bytes) -> bytes:
    """An IDX file of unsigned bytes."""
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values


def gzipped(*pieces: bytes, stated: int | None = None) -> bytes:
    """A gzip file of raw deflate streams, each of which may be followed by another, with a size that is stated."""
    data = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = b"".join(map(data.compress, pieces)) + data.flush()
    return packed if stated is None else packed[:-4] + struct.pack("<I", stated)


def longer_than_stated() -> bytes:
    """A gzip file of 8 GB more than its header states: the size at its end is right, modulo 4 GB."""
    start = idx((30, 8, 8), bytes(1920))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    length = 2 * 2**32
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + body + zeros(length) + struct.pack("<II", 0, (len(start) + length) % 2**32)


IDX: dict[str, Callable[[], bytes]] = {
    "longer.gz": longer_than_stated,
    "a_little_longer.gz": lambda: gzipped(idx((30, 8, 8), bytes(1921))),
    "shorter.gz": lambda: gzipped(idx((30, 8, 8), bytes(1919))),
    "lying_end.gz": lambda: gzipped(idx((30, 8, 8), bytes(2**22)), stated=1936),
    "checksum.gz": lambda: edited(whole := gzipped(idx((30, 8, 8), bytes(1919))), whole[-8:-4], b"abcd", last=True),
    "huge.gz": lambda: gzipped(idx((2**31, 2**31, 2**31), bytes(100))),
    "four_gigabytes.gz": lambda: gzipped(idx((2**16, 2**8, 2**8), bytes(100))),
    "members.gz": lambda: gzipped(b"") * 500_000,
    "many_members.gz": lambda: gzipped(idx((30, 8, 8), bytes(1920))) + gzipped(b"") * 500_000,
    "followed.gz": lambda: gzipped(idx((30, 8, 8), bytes(1920))) + b"<html>",
    "padded.gz": lambda: gzipped(idx((30, 8, 8), bytes(1920))) + bytes(10**8),
    "cut.gz": lambda: gzipped(idx((30, 8, 8), os.urandom(1920)))[:-100],
    "empty.gz": lambda: b"",
    "no_values.gz": lambda: gzipped(b""),
    "header.gz": lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 10_000_000,
    "page.gz": lambda: b"<html>",
    "longer": lambda: idx((30, 8, 8), bytes(1921)),
    "shorter": lambda: idx((30, 8, 8), bytes(1919)),
    "huge": lambda: idx((2**32 - 1, 2**32 - 1, 2**32 - 1), bytes(100)),
    "nothing": lambda: b"",
}
"""The contents of the file of the images of MNIST, by name: with the ending .gz or without."""

LISTS: dict[str, Callable[[], bytes]] = {
    "lines.txt": lambda: b"\n" * 30_000_000,
    "blank.txt": lambda: b"\n" * 19_000_000,
    "line.txt": lambda: b"a" * 200_000_000,
    "classes.txt": lambda: b"# classes: [" + b'"a",' * 2_000_000 + b'"b"]\na.png 0\n',
    "nested.txt": lambda: b"# classes: " + b"[" * 1_000_000 + b"\na.png 0\n",
    "digits.txt": lambda: b"# classes: [" + b"9" * 1_000_000 + b"]\na.png 0\n",
    "path.txt": lambda: b"a" * 9_000_000 + b" 0\n",
    "labels.txt": lambda: b"a.png " + b"9" * 1_000_000 + b"\n",
    "comments.txt": lambda: b"# classes: []\n" * 200_000,
    "zeros.txt": lambda: bytes(10**8),
    "binary.txt": lambda: os.urandom(5_000_000),
    "no_images.txt": lambda: b"".join(b"%d.png 0\n" % n for n in range(200_000)),
}
"""The contents of index files, by name."""

LARGE_LISTS: dict[str, Callable[[Path], object]] = {"large.txt": sparse(b"a.png 0\n", 40 * GIGABYTE)}


def npz(**arrays: Any) -> bytes:
    """A compressed .npz file."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(header: bytes, values: bytes = b"", version: int = 1) -> bytes:
    """An .npy file with a header that is text."""
    return (
        b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + values
    )


def matrices(matrix: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An .npz file with this matrix, and a mean that fits."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        made.writestr("transformation_matrix.npy", matrix)
        made.writestr("mean_vector.npy", npy(b"{'descr':'<f4','fortran_order':False,'shape':(4,)}\n", bytes(16)))
    return file.getvalue()


def stated(shape: str, dtype: str = "<f4") -> bytes:
    """The header of an array."""
    return f"{{'descr':'{dtype}','fortran_order':False,'shape':{shape}}}\n".encode()


MATRICES: dict[str, Callable[[], bytes]] = {
    "bomb.npz": lambda: matrices(npy(stated("(4,4)"), bytes(2**29))),
    "shape.npz": lambda: matrices(npy(stated("(1000000000,1000000000)"), bytes(64))),
    "header.npz": lambda: matrices(b"\x93NUMPY\x02\0" + struct.pack("<I", 2**28) + bytes(2**28)),
    "nested.npz": lambda: matrices(npy(b"(" * 400)),
    "minus.npz": lambda: matrices(npy(b"-" * 60_000)),
    "objects.npz": lambda: npz(transformation_matrix=np.array([[print]], dtype=object), mean_vector=np.zeros(1)),
    "pickle.npz": lambda: matrices(pickled(called("os.system", text("id")))),
    "rows.npz": lambda: npz(transformation_matrix=np.zeros((4, 5), "<f4"), mean_vector=np.zeros(4, "<f4")),
    "checksum.npz": lambda: edited(
        matrices(npy(stated("(4,4)"), b"abcd" * 16), zipfile.ZIP_STORED), b"abcdabcd", b"abcdabce"
    ),
    "other.npz": lambda: npz(**{f"a{n}": np.zeros(1) for n in range(5_000)}),
    "cut.npz": lambda: npz(transformation_matrix=np.eye(4), mean_vector=np.zeros(4))[:-40],
    "bomb.safetensors": lambda: safetensors(
        {"transformation_matrix": entry((40_000, 40_000), "F32", 0, 6_400_000_000)}
    ),
    "header.safetensors": lambda: struct.pack("<Q", 90_000_000) + b"{" + b" " * 20_000_000,
    "nested.safetensors": lambda: safetensors('{"a":' + "[" * 5_000_000),
    "page.safetensors": lambda: b"<html>",
}
"""The contents of matrix files, by name."""


def image() -> bytes:
    """A PNG file."""
    file = io.BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(file, "PNG")
    return file.getvalue()


GOOD_FILES: dict[str, dict[str, Callable[[], bytes]]] = {
    "weights": {
        "good.pt": archive,
        "compressed.pt": lambda: archive(compression=zipfile.ZIP_DEFLATED),
        "good.pth": old,
        "good.safetensors": lambda: safetensors({"weight": entry()}),
    },
    "digits": {"train-images-idx3-ubyte": lambda: idx((30, 8, 8), bytes(1920))},
    "lists": {"good.txt": lambda: b"a.png 0\n"},
    "matrices": {
        "good.npz": lambda: matrices(npy(stated("(4,4)"), bytes(64))),
        "good.safetensors": lambda: safetensors(
            {"transformation_matrix": entry((1, 1), end=4), "mean_vector": entry((1,), begin=4, end=8)}, bytes(8)
        ),
    },
}
"""Files that are right, of each kind."""

BESIDE: dict[str, dict[str, Callable[[], bytes]]] = {
    "digits": {"train-labels-idx1-ubyte": lambda: idx((30,), bytes(30))},
    "lists": {"a.png": image},
}
"""Files that lie beside each of a kind."""
