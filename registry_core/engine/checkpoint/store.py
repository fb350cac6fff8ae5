"""Checkpoints: a crash at any moment leaves the last good one intact, and each is verified before it is read.

A checkpoint is a folder ``step-N`` with safetensors, JSON and, written last, ``manifest.json``. Nothing in it can name
code. ``latest`` and ``best`` beside it are files with a folder's name.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from registry_core.analysis.patterns import some_of
from registry_core.assembly.finite import holding_nan
from registry_core.components.run_files import replace_file, sync
from registry_core.config.run_layout import LATEST, STATE, is_folder, is_unfinished, open_own, step_folder, step_of
from registry_core.diagnostics import CheckpointError
from registry_core.engine.checkpoint.form import require_form
from registry_core.engine.checkpoint.forms import Unsavable
from registry_core.engine.checkpoint.manifest import TENSORS, Manifest, Origin, pipeline_digest, seal, verify
from registry_core.engine.checkpoint.tensor_tree import put_together, take_apart
from registry_core.engine.checkpoint.weights import joined, separate

_MAX_STATE = 256 * 2**20
"""Bytes of ``state.json``: plain data, for which a reader needs many times the space."""

_MAX_HEADER = 10_000_000
"""Bytes of the description of the tensors of a file; the library takes a second for each million."""


class Checkpoint(NamedTuple):
    """The content of a checkpoint, on the CPU: sets of weights by name, and nested plain data with tensors."""

    weights: dict[str, dict[str, Any]]
    state: dict[str, Any]
    manifest: Manifest


def save_checkpoint(
    folder: Path, step: int, parts: Mapping[str, Mapping[str, Any]], state: dict[str, Any], origin: Origin
) -> Path:
    """Write ``folder/step-N`` durably, verify it, and make it the latest; returns its path.

    ``parts`` are named sets of weights (``model``, ``averaged``), ``state`` is nested plain data with tensors. What is
    at its place already, such as a damaged checkpoint, is replaced.
    """
    name = step_folder(step)
    final = folder / name
    stored, others = separate(parts)
    try:
        structure, tensors = take_apart({"state": state, "weights": others})
    except Unsavable as error:
        raise CheckpointError(f"The state of the run cannot be saved: {error}.", error.remedy) from error
    temporary = folder / f"{name}.tmp-{uuid.uuid4().hex}"
    try:
        folder.mkdir(exist_ok=True)
        temporary.mkdir()
        for part, weights in {**stored, TENSORS: tensors}.items():
            own = {key: value.detach().cpu().contiguous().clone() for key, value in weights.items()}
            save_file(own, temporary / f"{part}.safetensors")  # clones: the format takes no shared memory
        (temporary / STATE).write_text(json.dumps(structure), encoding="utf-8")
        seal(temporary, origin, step)
        _put_in_place(temporary, final)
        verify(final)
        point(folder, LATEST, final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CheckpointError(f"The checkpoint {str(final)!r} cannot be written: {_reason(error)}.") from error
    return final


def _reason(error: Exception) -> object:
    return getattr(error, "strerror", None) or error


def _put_in_place(temporary: Path, final: Path) -> None:
    """Rename a sealed checkpoint to its name; anything of that name is moved away first, and then removed."""
    replaced = None
    if os.path.lexists(final):
        replaced = final.with_name(f"{final.name}.tmp-{uuid.uuid4().hex}")
        final.rename(replaced)
    temporary.rename(final)
    sync(final.parent)
    if replaced is not None:
        _remove(replaced)


def load_checkpoint(checkpoint: Path) -> Checkpoint:
    """The content of a checkpoint, which is verified first."""
    manifest = verify(checkpoint)
    try:
        parts = {
            name.removesuffix(".safetensors"): _tensors(checkpoint / name) for name in manifest.files if name != STATE
        }
        rest = put_together(json.loads(_bounded(checkpoint / STATE)), parts.pop(TENSORS))
        if not isinstance(rest, dict) or rest.keys() != {"state", "weights"}:
            raise ValueError(f"its {STATE} is not in the form of a state")
        require_form(rest["state"])
        _require_origin(rest["state"], manifest)
        found = Checkpoint(joined(parts, rest["weights"]), rest["state"], manifest)
    except Exception as error:  # errors of the file formats, from several libraries
        raise CheckpointError(f"The checkpoint {str(checkpoint)!r} cannot be read: {error}.") from error
    for part, tensors in parts.items():
        if wrong := holding_nan(tensors):
            message = f"The weights {part!r} of the checkpoint {str(checkpoint)!r} hold NaN: {some_of(wrong)}."
            raise CheckpointError(message, "Use an earlier checkpoint, or train again.")
    return found


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, in memory that torch allocates: other alignments change the order of sums."""
    with open_own(path) as file:
        if int.from_bytes(file.read(8), "little") > _MAX_HEADER:
            raise ValueError(f"the header of {path.name} is larger than {_MAX_HEADER:,} bytes")
    return {name: tensor.clone() for name, tensor in load_file(path).items()}


def _bounded(path: Path) -> bytes:
    with open_own(path) as file:
        text = file.read(_MAX_STATE + 1)
    if len(text) > _MAX_STATE:
        raise ValueError(f"{STATE} is larger than {_MAX_STATE:,} bytes")
    return text


def _require_origin(state: Any, manifest: Manifest) -> None:
    """Raise ValueError if the state is that of another step or pipeline than the manifest says."""
    if state["position"]["step"] != manifest.step:
        raise ValueError(f"its state is that of step {state['position']['step']}, not {manifest.step}")
    if pipeline_digest(state["made_with"]["pipeline"]) != manifest.origin.pipeline:
        raise ValueError("its state belongs to another pipeline")


def adopt(checkpoint: Path, folder: Path, run: str) -> None:
    """Copy a checkpoint of another run into a folder, as one of this run."""
    parts, state, manifest = load_checkpoint(checkpoint)
    save_checkpoint(folder, manifest.step, parts, state, Origin(run, manifest.origin.pipeline))


def point(folder: Path, pointer: str, checkpoint: Path) -> None:
    """Make a file such as ``latest`` name this checkpoint, atomically."""
    try:
        replace_file(folder / pointer, checkpoint.name)
    except OSError as error:
        raise CheckpointError(f"{str(folder / pointer)!r} cannot be written: {_reason(error)}.") from error


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest first, without incomplete ones; links and files are none."""
    try:
        found = [path for path in folder.iterdir() if step_of(path.name) is not None] if folder.is_dir() else []
    except OSError as error:
        raise CheckpointError(f"The folder {str(folder)!r} cannot be read: {_reason(error)}.") from error
    return sorted(filter(is_folder, found), key=lambda path: step_of(path.name) or 0, reverse=True)


def intact(folder: Path, run: str | None, warn: Callable[[str], None]) -> Iterator[tuple[Path, Checkpoint]]:
    """The intact checkpoints of a run, the newest first; ``warn`` is called for each that is left out.

    Without a ``run``, the first intact one decides to which run the others must belong.
    """
    paths = checkpoints_in(folder)
    is_found = False
    for path in paths:
        try:
            found = load_checkpoint(path)
        except CheckpointError as error:
            if path == paths[-1] and not is_found:
                raise CheckpointError(f"{_none_in(folder)} {error.message}", error.remedy) from error
            warn(f"{error.message} It falls back to the checkpoint before it.")
            continue
        run = run or found.manifest.origin.run
        if found.manifest.origin.run != run:
            warn(f"The checkpoint {str(path)!r} belongs to another run, and is left out.")
            continue
        is_found = True
        yield path, found


def none_intact(folder: Path) -> CheckpointError:
    """The error for a run without an intact checkpoint."""
    return CheckpointError(_none_in(folder), "Start the run again.")


def _none_in(folder: Path) -> str:
    return f"There is no intact checkpoint in {str(folder)!r}."


def newest(folder: Path, run: str | None, warn: Callable[[str], None]) -> tuple[Path, Checkpoint]:
    """The newest intact checkpoint of a run; CheckpointError if there is none."""
    for found in intact(folder, run, warn):
        return found
    raise none_intact(folder)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left: no other one writes here, because the run directory is claimed."""
    with suppress(OSError):  # what cannot be removed does no harm
        for left in filter(is_unfinished, [*folder.iterdir()]):
            _remove(left)


def _remove(path: Path) -> None:
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
