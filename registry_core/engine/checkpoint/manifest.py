"""The manifest of a checkpoint: whose it is, and the size and SHA-256 of each of its files.

A manifest is not trusted with its own list: the names of the files are known beforehand, all of them are in it, and
nothing else is in the folder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from registry_core.components.run_files import sync
from registry_core.config.run_layout import (
    FORMAT,
    MANIFEST,
    STATE,
    is_folder,
    open_own,
    read_manifest,
    step_of,
)
from registry_core.diagnostics import CheckpointError
from registry_core.diagnostics.json_text import json_text

MODEL, LOSS, AVERAGED, TENSORS = "model", "loss", "averaged", "state"
"""The sets of tensors of a checkpoint, each in a file: weights of the model, of the loss, averaged ones, the state."""

_REQUIRED = frozenset((STATE, f"{TENSORS}.safetensors", f"{MODEL}.safetensors"))
_POSSIBLE = _REQUIRED | {f"{LOSS}.safetensors", f"{AVERAGED}.safetensors"}


class FileSeal(NamedTuple):
    """The size in bytes and the SHA-256 of a file."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> FileSeal:
        """The seal of a file that is not a link."""
        with open_own(path) as file:
            return cls(os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest())

    def fits(self, path: Path) -> bool:
        """True if a file has this size and digest; a file of another size is not read."""
        return path.lstat().st_size == self.bytes and FileSeal.of(path) == self


@dataclass(frozen=True)
class Origin:
    """The run that a checkpoint belongs to, and the SHA-256 of its pipeline."""

    run: str
    pipeline: str


@dataclass(frozen=True)
class Manifest:
    """The content of a manifest."""

    origin: Origin
    step: int
    files: dict[str, FileSeal]


class _Facts(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    bytes: int
    sha256: str


class _Content(BaseModel):
    """The content of a manifest in its file."""

    model_config = ConfigDict(strict=True, extra="forbid")
    format: int
    run: str
    pipeline: str
    step: int
    files: dict[str, _Facts]


def pipeline_digest(pipeline: Any) -> str:
    """The SHA-256 of a resolved pipeline as plain data."""
    return hashlib.sha256(json_text(pipeline, sort_keys=True).encode()).hexdigest()


def seal(folder: Path, origin: Origin, step: int) -> None:
    """Flush all files of a new checkpoint to the disk, then their manifest, then the folder."""
    files = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    for path in files:
        sync(path)
    seals = {path.name: FileSeal.of(path)._asdict() for path in files}
    content = {"format": FORMAT, **asdict(origin), "step": step, "files": seals}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1), encoding="utf-8")
    sync(folder / MANIFEST)
    sync(folder)


class UnreadableCheckpoint(CheckpointError):
    """A checkpoint cannot be read now, which says nothing about whether it is whole."""


_OF_THE_SYSTEM = {
    getattr(errno, name)
    for name in ("EIO", "ENOSPC", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "EPERM", "ESTALE", "ETIMEDOUT", "EBUSY")
    if hasattr(errno, name)
}
"""Reasons for an OSError that lie in the disk or the machine, not in the files."""


def verify(checkpoint: Path) -> Manifest:
    """The manifest of a checkpoint; CheckpointError unless the folder holds exactly the files that it describes.

    UnreadableCheckpoint if the disk or the machine is the reason.
    """
    named = f"The checkpoint {str(checkpoint)!r}"
    try:
        manifest = _parsed(read_manifest(checkpoint), named)
        if not is_folder(checkpoint):
            raise CheckpointError(f"{named} is a link, which is not followed. Use the folder itself.")
        if stray := sorted({path.name for path in checkpoint.iterdir()} - {MANIFEST, *manifest.files}):
            raise CheckpointError(f"{named} has a file that does not belong to it: {stray[0]!r}. Remove it.")
        for name, recorded in manifest.files.items():
            if not recorded.fits(checkpoint / name):
                damaged = f"The checkpoint file {str(checkpoint / name)!r} is damaged."
                raise CheckpointError(damaged, "Use an older checkpoint.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        if getattr(error, "errno", None) in _OF_THE_SYSTEM:
            raise UnreadableCheckpoint(f"{named} cannot be read: {reason}.") from error
        raise CheckpointError(f"{str(checkpoint)!r} is not a complete checkpoint: {reason}.") from error
    if step_of(checkpoint.name) not in (None, manifest.step):
        raise CheckpointError(f"{named} is a copy of that of step {manifest.step}. Name it so, or remove it.")
    return manifest


def _parsed(content: object, named: str) -> Manifest:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        what = "states no format" if found is None else f"has the format {str(found)[:20]!r}"
        raise CheckpointError(
            f"{named} cannot be read: its {MANIFEST} {what}, and this version of registry-core reads format {FORMAT}.",
            "Use the version that wrote it, or another checkpoint.",
        )
    try:
        read = _Content.model_validate(content)
    except ValidationError:
        raise CheckpointError(f"{named} is damaged: its {MANIFEST} is not in the form of a manifest.") from None
    files = read.files
    if missing := sorted(_REQUIRED - {*files}):
        raise CheckpointError(f"{named} is incomplete: its {MANIFEST} lacks {missing[0]!r}.")
    if unknown := sorted({*files} - _POSSIBLE):
        raise CheckpointError(f"{named} is damaged: no checkpoint has a file {unknown[0][:80]!r}.")
    origin = Origin(read.run, read.pipeline)
    seals = {name: FileSeal(facts.bytes, facts.sha256) for name, facts in files.items()}
    return Manifest(origin, read.step, seals)
