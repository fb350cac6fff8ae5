"""Torch files without torch: their content, and the places of their tensors, in both formats of ``torch.save``.

Since torch 1.6 a file is a zip archive, with the pickle ``data.pkl`` and a member for each storage. Before, it was four
pickles, followed by the storages, each with its length.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from registry_core.analysis.torch_pickle import (
    LARGEST_PICKLE,
    BadPickle,
    NotTensors,
    OtherTensor,
    PickledTensor,
    Storage,
    read_pickle,
    text_of,
)
from registry_core.components.zip_archive import Archive, Member

BYTES = {
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 8),
    **dict.fromkeys(("float32", "int32", "uint32"), 4),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 2),
    **dict.fromkeys(("int8", "uint8", "bool"), 1),
    **dict.fromkeys(("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"), 1),
    "complex128": 16,
}
"""The types of values that are read, with the bytes of one value."""

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


class BadTensor(Exception):
    """A tensor cannot be read; the text is a clause that says why."""


class StoredTensor(NamedTuple):
    """A tensor with its place in the file."""

    dtype: str
    """The type by torch's name."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """In values."""
    start: int
    """The position of its first byte in the file, or in the decompressed member."""
    size: int
    """The bytes from its first to its last value."""
    member: Member | None = None
    """The member of a zip archive that has to be decompressed."""


@dataclass(frozen=True)
class TorchFile:
    """The content of a torch file, with ``PickledTensor`` for tensors, and the places of the storages."""

    value: Any
    places: dict[str, Member]
    archive: Archive | None
    """None for the older format."""

    def stored(self, tensor: PickledTensor | OtherTensor) -> StoredTensor:
        """The place of a tensor; BadTensor if it is not inside its storage, or of a type that is not read."""
        if isinstance(tensor, OtherTensor):
            raise BadTensor(f"is a {tensor.kind} tensor, which is not read")
        storage, each = tensor.storage, BYTES.get(tensor.dtype)
        if each is None:
            raise BadTensor(f"has values of the type {tensor.dtype}, which are not read")
        place = self.places.get(storage.key)
        width = BYTES.get(storage.dtype, 1)
        if place is None or place.size != storage.length * width:
            raise BadTensor("has no values in the file, or not as many as it states")
        first, length = storage.part or (0, storage.length)
        begin, end = first * width + tensor.offset * each, (first + length) * width
        size = 0
        if 0 not in tensor.shape:
            steps = zip(tensor.shape, tensor.strides, strict=True)
            size = each * (1 + sum((count - 1) * stride for count, stride in steps))
        if first + length > storage.length or begin + size > end:
            raise BadTensor("reaches beyond its values in the file")
        member = place if place.is_compressed else None
        start = begin if member else place.start + begin
        return StoredTensor(tensor.dtype, tensor.shape, tensor.strides, start, size, member)


def read_torch_file(file: BinaryIO) -> TorchFile:
    """The content of an open file; BadArchive, BadPickle, or NotTensors if it holds more than tensors."""
    file.seek(0)
    return _zipped(file) if file.read(4) == b"PK\x03\x04" else _of_pickles(file)


def _zipped(file: BinaryIO) -> TorchFile:
    archive = Archive(file)
    pickles = [name for name in archive.members if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise BadPickle("it is a zip file that torch.save did not write")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in archive.members:
        raise NotTensors("a TorchScript program")
    if archive.members[pickles[0]].size > LARGEST_PICKLE:
        raise BadPickle("its description of the tensors is too large")
    if (order := archive.members.get(f"{folder}byteorder")) and order.size < 10 and archive.read(order.name) == b"big":
        raise BadPickle("its values are in the byte order of other machines (big-endian)")
    content = read_pickle(io.BytesIO(archive.read(pickles[0])))
    places = {key: archive.members.get(f"{folder}data/{key}") for key in content.storages}
    return TorchFile(content.value, {key: place for key, place in places.items() if place}, archive)


def _of_pickles(file: BinaryIO) -> TorchFile:
    file.seek(0)
    if [read_pickle(file).value for _ in range(2)] != [_MAGIC, _PROTOCOL]:
        raise BadPickle("it is a pickle that torch.save did not write")
    system = read_pickle(file).value
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise BadPickle("its values are in the byte order of other machines (big-endian)")
    content = read_pickle(file)
    keys = read_pickle(file).value
    if not isinstance(keys, list):
        raise BadPickle("its table of the values is damaged")
    return TorchFile(content.value, dict(_one_after_the_other(file, keys, content.storages)), None)


def _one_after_the_other(file: BinaryIO, keys: list[Any], storages: dict[str, Storage]) -> Iterator[tuple[str, Member]]:
    """The places of the storages behind the pickles of the older format."""
    position = file.tell()
    end = file.seek(0, 2)
    for each in keys:
        key = text_of(each)
        storage = storages.get(key)
        file.seek(position)
        length = int.from_bytes(file.read(8), "little")
        size = 0 if storage is None else length * BYTES.get(storage.dtype, 1)
        if storage is None or length != storage.length or position + 8 + size > end:
            raise BadPickle("it is cut off, or its table of the values is damaged")
        yield key, Member(key, position + 8, size, size, 0, is_compressed=False)
        position += 8 + size
