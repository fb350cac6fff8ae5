"""The layout of run directories and checkpoints: names of files and folders, for everyone who writes or reads them."""

from __future__ import annotations

import json
from pathlib import Path

CHECKPOINTS = "checkpoints"
"""The folder of a run directory with its checkpoints."""

MANIFEST = "manifest.json"
"""The file of a checkpoint, written last, with the size and SHA-256 of every other file."""

STATE = "state.json"
LATEST = "latest"
BEST = "best"
POINTERS = (LATEST, BEST)
"""Files beside the checkpoints that contain the name of one."""


def step_folder(step: int) -> str:
    """Return the name of the checkpoint of a step."""
    return f"step-{step:08d}"


def pointed(folder: Path, pointer: str) -> Path | None:
    """Return the checkpoint that ``latest`` or ``best`` in a folder of checkpoints names, None if there is none."""
    try:
        return folder / (folder / pointer).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def checkpoint_at(path: Path) -> Path:
    """Return the checkpoint at a path: itself, the latest of a run directory, or the one that a pointer names.

    Returns the path unchanged if it is none of these.
    """
    if (path / MANIFEST).is_file():
        return path
    is_pointer = path.is_file()
    folder, pointer = (path.parent, path.name) if is_pointer else (path / CHECKPOINTS, LATEST)
    return pointed(folder, pointer) or path


def recorded_digest(file: Path) -> str | None:
    """Return the SHA-256 that the manifest of its checkpoint records for a file; None if no manifest records it."""
    try:
        facts = json.loads((file.parent / MANIFEST).read_text(encoding="utf-8"))[file.name]
        digest = facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return digest if isinstance(digest, str) else None
