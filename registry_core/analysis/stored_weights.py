"""The tensors of a weights file with their places in it, read without torch and without running anything.

What would be paid for later is checked first: sizes, numbers, places, and the checksums of archives on request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any, BinaryIO

from registry_core.analysis.patterns import some_of
from registry_core.analysis.torch_file import BadTensor, StoredTensor, TorchFile, read_torch_file
from registry_core.analysis.torch_pickle import BadPickle, NotTensors, OtherTensor, PickledTensor
from registry_core.analysis.weights_file import unwrapped
from registry_core.components import CheckFailed, TensorFacts
from registry_core.components.regular_file import open_regular
from registry_core.components.safetensors_header import BadHeader, read_header
from registry_core.components.zip_archive import Archive, BadArchive

LARGEST_FILE = 64 * 2**30
"""Bytes of a weights file."""

_LONGEST_NAME = 500
_LONGEST_HEADER = 100_000_000  # of the format itself; longer ones are no safetensors files
_AGAIN = "Download or copy it again."
_SAVE_AGAIN = "Save the tensors again, from a source that you trust, as model.state_dict()."

_KINDS = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint", "C": "complex"}
_NAMES = {"BOOL": "bool", "F8_E4M3": "float8_e4m3fn"}


@dataclass(frozen=True)
class StoredWeights:
    """The tensors of an open weights file by name, and notes on how they were found in it."""

    tensors: Mapping[str, StoredTensor]
    notes: tuple[str, ...] = ()
    archive: Archive | None = None
    """The zip archive that they are in, if they are in one."""
    has_entries: bool = False
    """True for a torch file, which may hold several sets of weights."""

    def facts(self) -> dict[str, TensorFacts]:
        """The tensors without their places."""
        return {name: TensorFacts(name, tensor.shape, tensor.dtype) for name, tensor in self.tensors.items()}


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader[FileIO]]:
    """Open a weights file; CheckFailed if it is none, cannot be read, or is too large."""
    try:
        file = BufferedReader(open_regular(path))
    except OSError as error:
        raise CheckFailed(
            f"The weights file {str(path)!r} cannot be read: {error.strerror}.", "Check the path."
        ) from None
    with file:
        size = file.seek(0, 2)
        if size > LARGEST_FILE:
            message = f"The weights file {str(path)!r} has {size:,} bytes, more than {LARGEST_FILE:,}."
            raise CheckFailed(message, "Save the tensors that the model needs in a file of their own.")
        yield file


def stored_weights(file: BinaryIO, path: Path, entry: str | None) -> StoredWeights:
    """The set of weights in an open file; CheckFailed if it is damaged or holds anything else.

    ``entry`` names the set, if a torch file holds several.
    """
    found = _of_torch_file(file, path, entry) if _is_torch(file, path) else _of_safetensors(file, path)
    if long := next((name for name in found.tensors if len(name) > _LONGEST_NAME), ""):
        raise CheckFailed(f"{str(path)!r} holds a tensor with a name of {len(long):,} characters.", _SAVE_AGAIN)
    if plain := unwrapped(found.tensors):
        note = "These are the averaged weights of a run; the prefix 'module.' was removed."
        tensors = {new: found.tensors[name] for name, new in plain.items()}
        return StoredWeights(tensors, (*found.notes, note), found.archive, found.has_entries)
    return found


def require_sound(found: StoredWeights, path: Path) -> None:
    """Compare the checksums of a torch file; CheckFailed if one is wrong. Other formats have none."""
    if found.archive is not None:
        try:
            found.archive.require_sound()
        except BadArchive as bad:
            raise CheckFailed(f"The torch file {str(path)!r} cannot be read: {bad}.", _AGAIN) from None


def _is_torch(file: BinaryIO, path: Path) -> bool:
    """True for a torch file, False for a safetensors file, from the first bytes; CheckFailed for anything else."""
    file.seek(0)
    start = file.read(9)
    if start[:4] == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")):
        return True
    if len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") <= _LONGEST_HEADER:
        return False
    message = f"{str(path)!r} is not a weights file: neither safetensors nor written by torch.save."
    raise CheckFailed(message, "Check that the file is complete, not a web page or a Git LFS pointer.")


def _of_safetensors(file: BinaryIO, path: Path) -> StoredWeights:
    try:
        entries = read_header(file)
    except BadHeader as bad:
        what = f"The safetensors file {str(path)!r} is damaged: {bad}." if str(bad) else ""
        raise CheckFailed(what or f"The header of the safetensors file {str(path)!r} is damaged.", _AGAIN) from None
    tensors = {}
    for name, entry in entries.items():
        dtype = _torch_type(entry.dtype)
        tensors[name] = StoredTensor(dtype, entry.shape, _contiguous(entry.shape), entry.start, entry.size)
    return StoredWeights(tensors)


def _torch_type(written: str) -> str:
    """The torch name of a dtype of the format: int64 for I64."""
    if written in _NAMES:
        return _NAMES[written]
    kind = written.rstrip("0123456789") if "_" not in written else written[0]
    return (_KINDS.get(kind, kind) + written[len(kind) :]).lower()


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a tensor whose values are one after the other."""
    return tuple(math.prod(shape[place + 1 :]) for place in range(len(shape)))


def _of_torch_file(file: BinaryIO, path: Path, entry: str | None) -> StoredWeights:
    try:
        found = read_torch_file(file)
    except NotTensors as other:
        raise CheckFailed(
            f"{str(path)!r} holds more than tensors ({other}), and reading that could run code.", _SAVE_AGAIN
        ) from None
    except (BadArchive, BadPickle) as bad:
        raise CheckFailed(f"The torch file {str(path)!r} cannot be read: {bad}.", _AGAIN) from None
    chosen, note = _chosen(found.value, entry, path)
    return StoredWeights(_placed(found, chosen, path), (note,) if note else (), found.archive, has_entries=True)


def _placed(found: TorchFile, chosen: Mapping[str, Any], path: Path) -> dict[str, StoredTensor]:
    placed = {}
    for name, tensor in chosen.items():
        try:
            placed[name] = found.stored(tensor)
        except BadTensor as bad:
            raise CheckFailed(f"The tensor {name[:_LONGEST_NAME]!r} of {str(path)!r} {bad}.", _SAVE_AGAIN) from None
    return placed


def _chosen(found: Any, entry: str | None, path: Path) -> tuple[Mapping[str, Any], str]:
    """The set of weights in the content of a torch file, and a note on how it was found."""
    sets = {key: value for key, value in found.items() if _is_weights(value)} if isinstance(found, dict) else {}
    names = [str(key)[:_LONGEST_NAME] for key in sets]
    if entry is not None:
        if entry not in sets:
            has = f"It has: {some_of(names) or 'none'}."
            raise CheckFailed(f"{str(path)!r} has no set of weights {entry!r}.", has, at=("entry",))
        return sets[entry], ""
    if _is_weights(found):
        return found, ""
    if len(sets) != 1:
        what = f"{len(sets)} sets of weights" if sets else "no weights under names"
        remedy = f"Choose one with `entry`: {some_of(names)}." if sets else "Save model.state_dict()."
        raise CheckFailed(f"{str(path)!r} holds {what}.", remedy)
    return next(iter(sets.values())), f"The weights are its entry {names[0]!r}, the only one that holds weights."


def _is_weights(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and all(isinstance(tensor, (PickledTensor, OtherTensor)) for tensor in value.values())
    )
