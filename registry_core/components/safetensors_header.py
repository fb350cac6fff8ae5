"""The header of a safetensors file: its tensors with their types, shapes and places, read without torch.

Source: the format of https://github.com/huggingface/safetensors, which has no checksums.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple, TypeGuard

LARGEST_HEADER = 5_000_000
"""Bytes of a header; 40,000 tensors need less."""

_LONGEST_TYPE = 20
_BYTES = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL"), 1),
}
"""Bytes of one value; those of types of 8 bits begin with F8, and those of fewer bits are not known here."""


class BadHeader(Exception):
    """A header is damaged, or says something else than the file; the text, if any, is a clause that says what."""


class Entry(NamedTuple):
    """A tensor of the file."""

    dtype: str
    """The type in the words of the format: F32."""
    shape: tuple[int, ...]
    start: int
    """The position of its first byte in the file."""
    size: int
    """Its bytes."""


def read_header(file: BinaryIO) -> dict[str, Entry]:
    """The tensors of an open file by name; BadHeader unless they fill the file, one after the other."""
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > LARGEST_HEADER:
        raise BadHeader(f"its header would have {length:,} bytes, more than {LARGEST_HEADER:,}")
    text = file.read(length)
    if len(text) < length:
        raise BadHeader("it is cut off")
    try:
        found = json.loads(text, object_pairs_hook=_mapping)
    except (ValueError, RecursionError):
        raise BadHeader from None
    if not isinstance(found, Mapping):
        raise BadHeader
    entries = {name: _entry(facts, 8 + length) for name, facts in found.items() if name != "__metadata__"}
    end = 8 + length
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.size)):
        if entry.start != end:
            raise BadHeader("its tensors lie over each other, or have gaps between them")
        end = entry.start + entry.size
    if end != size:
        raise BadHeader(f"it has {size:,} bytes, not {end:,}")
    return entries


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is used twice")
    return found


def _entry(facts: object, data: int) -> Entry:
    """A tensor of the header; ``data`` is the position of the data in the file."""
    if not isinstance(facts, Mapping):
        raise BadHeader
    dtype, shape, offsets = facts.get("dtype"), facts.get("shape"), facts.get("data_offsets")
    if (
        not isinstance(dtype, str)
        or len(dtype) > _LONGEST_TYPE
        or not _are_counts(shape)
        or not _are_counts(offsets)
        or len(offsets) != 2
    ):
        raise BadHeader
    size = offsets[1] - offsets[0]
    each = 1 if dtype.startswith("F8") else _BYTES.get(dtype)
    if size < 0 or (each is not None and size != each * math.prod(shape)):
        raise BadHeader("the sizes of its tensors contradict each other")
    return Entry(dtype, tuple(shape), data + offsets[0], size)


def _are_counts(values: object) -> TypeGuard[list[int]]:
    return isinstance(values, list) and len(values) <= 64 and all(type(n) is int and 0 <= n < 2**63 for n in values)
