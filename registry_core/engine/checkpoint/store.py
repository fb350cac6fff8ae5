"""Checkpoints: a crash at any moment leaves the last good one intact, and each is verified before it is read.

A checkpoint is a folder ``step-N`` with safetensors, JSON and, written last, ``manifest.json`` with the size and
SHA-256 of every other file. Nothing in it can name code. ``latest`` and ``best`` beside it are files with a folder's
name.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from registry_core.analysis.patterns import some_of
from registry_core.assembly.finite import holding_nan
from registry_core.config.run_layout import BEST, LATEST, MANIFEST, STATE, pointed, step_folder
from registry_core.diagnostics import CheckpointError
from registry_core.engine.checkpoint.forms import Unsavable
from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart
from registry_core.engine.checkpoint.weights import joined, separate


class Checkpoint(NamedTuple):
    """The content of a checkpoint, on the CPU: sets of weights by name, and nested plain data with tensors."""

    weights: dict[str, dict[str, Any]]
    state: dict[str, Any]


def save_checkpoint(folder: Path, step: int, parts: dict[str, dict[str, Any]], state: dict[str, Any]) -> Path:
    """Write ``folder/step-N`` durably, verify it, and make it the latest; returns its path.

    ``parts`` are named sets of weights (``model``, ``averaged``), ``state`` is nested plain data with tensors.
    """
    name = step_folder(step)
    final = folder / name
    if _is_whole(final):  # a repeatable run has only one state at a step
        point(folder, LATEST, final)
        return final
    stored, others = separate(parts)
    try:
        structure, tensors = take_apart({"state": state, "weights": others})
    except Unsavable as error:
        raise CheckpointError(f"The state of the run cannot be saved: {error}.", error.remedy) from error
    temporary = folder / f"{name}.tmp-{uuid.uuid4().hex}"
    try:
        temporary.mkdir(parents=True)
        for part, weights in {**stored, "state": tensors}.items():
            own = {key: value.detach().cpu().contiguous().clone() for key, value in weights.items()}
            save_file(own, temporary / f"{part}.safetensors")  # clones: the format takes no shared memory
        (temporary / STATE).write_text(json.dumps(structure), encoding="utf-8")
        _seal(temporary)
        if final.exists():
            shutil.rmtree(final)
        temporary.rename(final)
        _sync(folder)
        verify(final)
        point(folder, LATEST, final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(f"The checkpoint {str(final)!r} cannot be written: {error}.") from error
    return final


def _seal(folder: Path) -> None:
    """Flush all files to the disk, then their manifest, then the folder."""
    files = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    for path in files:
        _sync(path)
    manifest = {path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    _sync(folder / MANIFEST)
    _sync(folder)


def verify(checkpoint: Path) -> None:
    """Raise CheckpointError unless every file of the checkpoint matches the manifest."""
    try:
        manifest: dict[str, Any] = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        for name, facts in manifest.items():
            path = checkpoint / name
            if path.stat().st_size != facts["bytes"] or _sha256(path) != facts["sha256"]:
                raise CheckpointError(f"The checkpoint file {str(path)!r} is damaged. Use an older checkpoint.")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{str(checkpoint)!r} is not a complete checkpoint: {error}.") from error


def _is_whole(checkpoint: Path) -> bool:
    try:
        verify(checkpoint)
    except CheckpointError:
        return False
    return True


def load_checkpoint(checkpoint: Path) -> Checkpoint:
    """The content of a checkpoint, which is verified first."""
    verify(checkpoint)
    try:
        parts = {path.stem: _aligned(load_file(path)) for path in sorted(checkpoint.glob("*.safetensors"))}
        structure = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        rest = put_together(structure, parts.pop("state"))
        found = Checkpoint(joined(parts, rest["weights"]), rest["state"])
    except Exception as error:  # errors of the file formats, from several libraries
        raise CheckpointError(f"The checkpoint {str(checkpoint)!r} cannot be read: {error}.") from error
    for part, tensors in parts.items():
        if wrong := holding_nan(tensors):
            message = f"The weights {part!r} of the checkpoint {str(checkpoint)!r} hold NaN: {some_of(wrong)}."
            raise CheckpointError(message, "Use an earlier checkpoint, or train again.")
    return found


def _aligned(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors in memory that torch allocates: other alignments change the order of sums."""
    return {name: tensor.clone() for name, tensor in tensors.items()}


def point(folder: Path, pointer: str, checkpoint: Path) -> None:
    """Make ``latest`` or ``best`` name this checkpoint, atomically."""
    temporary = folder / f".{pointer}.tmp"
    temporary.write_text(checkpoint.name, encoding="utf-8")
    _sync(temporary)
    temporary.replace(folder / pointer)
    _sync(folder)


def newest(folder: Path, warn: Callable[[str], None]) -> Path:
    """The newest intact checkpoint; ``warn`` is called for each newer, damaged one."""
    for checkpoint in sorted(complete(folder), reverse=True):
        if _is_whole(checkpoint):
            return checkpoint
        warn(f"The checkpoint {str(checkpoint)!r} is damaged or incomplete; falling back to the one before it.")
    raise CheckpointError(f"There is no intact checkpoint in {str(folder)!r}. Start the run again.")


def prune(folder: Path, keep: int) -> None:
    """Remove the files of crashed saves, and all but the newest ``keep`` checkpoints and the best one."""
    for left in folder.glob("step-*.tmp-*"):
        shutil.rmtree(left, ignore_errors=True)
    best = pointed(folder, BEST)
    for checkpoint in sorted(complete(folder))[:-keep]:
        if checkpoint != best:
            shutil.rmtree(checkpoint)


def complete(folder: Path) -> list[Path]:
    """The checkpoints in a folder, without incomplete ones."""
    return [path for path in folder.glob("step-*") if ".tmp-" not in path.name]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
