"""Load the tensors of a weights file that fit a model, and report those that do not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedReader, FileIO
from pathlib import Path

import torch
from torch import nn

from registry_core.analysis.patterns import some_of
from registry_core.analysis.stored_weights import StoredWeights, opened, require_sound, stored_weights
from registry_core.analysis.tensor_matches import TensorMatch, match_errors
from registry_core.analysis.torch_file import BYTES, StoredTensor
from registry_core.analysis.weights import loaded_names, matches_of
from registry_core.analysis.weights_file import find_weights, renamed
from registry_core.assembly.finite import holding_nan
from registry_core.assembly.model.module_facts import tensor_facts
from registry_core.assembly.refusing import refuse
from registry_core.components import CheckFailed
from registry_core.config.finetune import Finetune
from registry_core.config.run_layout import recorded_digest
from registry_core.diagnostics import CheckpointError, PipelineError, Problem

LARGEST = 64
"""A weights file may be this many times as large as the tensors of the model."""

FREE = 2 * 2**30
"""Bytes that a weights file for any model may have."""


@dataclass(frozen=True)
class FileWeights:
    """A weights file that was loaded, with notes on how its tensors were found in it."""

    path: Path
    sha256: str
    notes: tuple[str, ...]


def load_weights(model: nn.Module, finetune: Finetune) -> tuple[FileWeights, tuple[TensorMatch, ...]]:
    """Load the tensors that fit into the model, and report the match of every name on both sides.

    Raises PipelineError if nothing fits, or if a required tensor does not.
    """
    assert finetune.weights is not None
    try:
        path = find_weights(finetune.weights)
        with opened(path) as file:
            return _load(model, finetune, file, path)
    except CheckFailed as failed:
        keys = ("finetune", *(failed.at or ("weights",)))
        raise PipelineError([Problem(failed.message, failed.remedy, keys=keys, code="weights")]) from None


def _load(
    model: nn.Module, finetune: Finetune, file: BufferedReader[FileIO], path: Path
) -> tuple[FileWeights, tuple[TensorMatch, ...]]:
    state = {name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    found = stored_weights(file, path, finetune.entry)
    _require_proportion(file, path, state.values())
    digest = _verified(file, path)
    require_sound(found, path)
    names, mistakes = renamed(found.tensors, finetune.rename)
    refuse((CheckFailed(message, at=("finetune", "rename", index)) for index, message in mistakes), "weights")
    wanted = {name: tensor_facts(name, tensor) for name, tensor in state.items()}  # without extra state of modules
    matches = matches_of(wanted, found.facts(), names)
    refuse(match_errors(matches, finetune.strict), "weights")
    chosen = loaded_names(matches)
    read = TensorReader(file, found)
    loaded = {name: read(found.tensors[in_file]) for name, in_file in chosen.items()}
    if wrong := holding_nan(loaded):
        message = f"The weights in {str(path)!r} hold NaN: {some_of(wrong)}."
        refuse([CheckFailed(message, "Use weights of an earlier checkpoint.", at=("finetune", "weights"))], "weights")
    model.load_state_dict(loaded, strict=False)
    return FileWeights(path, digest, found.notes), matches


def _require_proportion(file: BufferedReader[FileIO], path: Path, tensors: Iterable[torch.Tensor]) -> None:
    """Raise CheckFailed for a file that is far larger than the model; it would be read as a whole to be verified."""
    size, needed = file.seek(0, 2), sum(tensor.nbytes for tensor in tensors)
    if size > max(FREE, LARGEST * needed):
        message = f"The weights file {str(path)!r} has {size:,} bytes, more than {LARGEST} times as many as"
        message += f" the tensors of the model ({needed:,})."
        raise CheckFailed(message, "Save the tensors that the model needs in a file of their own.")


def _verified(file: BufferedReader[FileIO], path: Path) -> str:
    """The SHA-256 of the file; CheckpointError if it belongs to a checkpoint and differs from its manifest."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    if recorded_digest(path) not in (None, digest):
        raise CheckpointError(f"The checkpoint file {str(path)!r} is damaged. Use an older checkpoint.")
    return digest


class TensorReader:
    """Reads tensors of an open weights file, each when it is called with its place."""

    def __init__(self, file: BufferedReader[FileIO], found: StoredWeights) -> None:
        self.file = file
        self.archive = found.archive
        self._member = ""
        self._unpacked = b""
        """The last member that was decompressed."""

    def __call__(self, tensor: StoredTensor) -> torch.Tensor:
        """The tensor at a place, on the CPU."""
        if tensor.dtype not in BYTES:
            message = f"The weights file has values of the type {tensor.dtype}, which are not read."
            raise CheckFailed(message, "Save its tensors in another type.")
        dtype: torch.dtype = getattr(torch, tensor.dtype)
        if not tensor.size:
            return torch.empty(tensor.shape, dtype=dtype)
        flat = torch.frombuffer(self._bytes(tensor), dtype=dtype)
        return flat.as_strided(tensor.shape, tensor.strides)

    def _bytes(self, tensor: StoredTensor) -> bytearray:
        if tensor.member is None:
            self.file.seek(tensor.start)
            data = bytearray(self.file.read(tensor.size))
            if len(data) < tensor.size:
                raise CheckFailed("The weights file was cut off while it was read.", "Download or copy it again.")
            return data
        if tensor.member.name != self._member:
            assert self.archive is not None
            self._member, self._unpacked = tensor.member.name, self.archive.read(tensor.member.name)
        return bytearray(self._unpacked[tensor.start : tensor.start + tensor.size])
