"""Load the tensors of a weights file that fit a model, and report those that do not."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from registry_core.analysis.patterns import some_of
from registry_core.analysis.tensor_matches import TensorMatch, match_errors
from registry_core.analysis.weights import loaded_names, matches_of
from registry_core.analysis.weights_file import find_weights, format_of, renamed, unwrapped
from registry_core.assembly.finite import holding_nan
from registry_core.assembly.model.module_facts import tensor_facts
from registry_core.assembly.refusing import refuse
from registry_core.components import CheckFailed
from registry_core.config.finetune import Finetune
from registry_core.config.run_layout import recorded_digest
from registry_core.diagnostics import CheckpointError, PipelineError, Problem

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class FileWeights:
    """The tensors of a weights file on the CPU, with notes on how they were found in it."""

    path: Path
    sha256: str
    tensors: Tensors
    notes: tuple[str, ...]


def load_weights(model: nn.Module, finetune: Finetune) -> tuple[FileWeights, tuple[TensorMatch, ...]]:
    """Load the tensors that fit into the model, and report the match of every name on both sides.

    Raises PipelineError if nothing fits, or if a required tensor does not.
    """
    assert finetune.weights is not None
    try:
        file = read_weights(find_weights(finetune.weights), finetune.entry)
    except CheckFailed as failed:
        raise PipelineError(
            [Problem(failed.message, failed.remedy, keys=("finetune", "weights"), code="weights")]
        ) from None
    names, mistakes = renamed(file.tensors, finetune.rename)
    refuse((CheckFailed(message, at=("finetune", "rename", index)) for index, message in mistakes), "weights")
    state = {name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    wanted = {name: tensor_facts(name, tensor) for name, tensor in state.items()}  # without extra state of modules
    given = {name: tensor_facts(name, tensor) for name, tensor in file.tensors.items()}
    matches = matches_of(wanted, given, names)
    refuse(match_errors(matches, finetune.strict), "weights")
    loaded = {name: file.tensors[in_file] for name, in_file in loaded_names(matches).items()}
    if wrong := holding_nan(loaded):
        message = f"The weights in {str(file.path)!r} hold NaN: {some_of(wrong)}."
        refuse([CheckFailed(message, "Use weights of an earlier checkpoint.", at=("finetune", "weights"))], "weights")
    model.load_state_dict(loaded, strict=False)
    return file, matches


def read_weights(path: Path, entry: str | None) -> FileWeights:
    """The tensors of a weights file; CheckFailed if it holds anything else. Files of checkpoints are verified first."""
    kind = format_of(path)
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    _verify(path, digest)
    notes: list[str] = []
    if kind == "safetensors":
        try:
            tensors = load_file(path)
        except Exception as error:  # errors of the format and of the system
            raise CheckFailed(f"The safetensors file {str(path)!r} cannot be read: {error}.") from error
    else:
        tensors = _chosen(_load_torch(path), entry, path, notes)
    if plain := unwrapped(tensors):
        notes.append("These are the averaged weights of a run; the prefix 'module.' was removed.")
        tensors = {new: tensors[name] for name, new in plain.items()}
    return FileWeights(path, digest, tensors, tuple(notes))


def _verify(path: Path, digest: str) -> None:
    """Raise CheckpointError if the file belongs to a checkpoint and differs from its manifest."""
    if recorded_digest(path) not in (None, digest):
        raise CheckpointError(f"The checkpoint file {str(path)!r} is damaged. Use an older checkpoint.")


def _load_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        message = f"{str(path)!r} holds more than tensors ({_first_line(error)}), and reading that could run code."
        remedy = "Save the tensors again, from a source that you trust, as model.state_dict()."
        raise CheckFailed(message, remedy) from error
    except Exception as error:  # torch passes on all errors of its readers
        raise CheckFailed(f"The torch file {str(path)!r} cannot be read: {_first_line(error)}", "") from error


def _first_line(error: Exception) -> str:
    text = str(error)
    for line in text.splitlines():
        if "Unsupported" in line or "not an allowed global" in line:
            return line.strip().partition(". Please")[0].removeprefix("WeightsUnpickler error: ")
    return (text.splitlines() or [type(error).__name__])[0]


def _chosen(found: Any, entry: str | None, path: Path, notes: list[str]) -> Tensors:
    """The set of weights in the content of a torch file."""
    sets = {key: value for key, value in found.items() if _is_weights(value)} if isinstance(found, Mapping) else {}
    if entry is not None:
        if entry not in sets:
            raise CheckFailed(
                f"{str(path)!r} has no set of weights {entry!r}.", f"It has: {', '.join(sets) or 'none'}."
            )
        return dict(sets[entry])
    if _is_weights(found):
        return dict(found)
    if len(sets) != 1:
        what = f"{len(sets)} sets of weights" if sets else "no weights under names"
        remedy = f"Choose one with `entry`: {', '.join(sets)}." if sets else "Save model.state_dict()."
        raise CheckFailed(f"{str(path)!r} holds {what}.", remedy)
    ((name, weights),) = sets.items()
    notes.append(f"The weights are its entry {name!r}, the only one that holds weights.")
    return dict(weights)


def _is_weights(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in value.items())
    )
