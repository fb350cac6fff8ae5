"""The layout of run directories and checkpoints: names of files and folders, for everyone who writes or reads them."""

from __future__ import annotations

import json
import os
import re
import stat
from io import BufferedReader
from pathlib import Path

from registry_core.components.run_files import UNFINISHED

CHECKPOINTS = "checkpoints"
"""The folder of a run directory with its checkpoints."""

MANIFEST = "manifest.json"
"""The file of a checkpoint, written last: its run, pipeline and step, and the size and SHA-256 of every other file."""

FORMAT = 2
"""The number of the form of a checkpoint, which its manifest states."""

STATE = "state.json"
LATEST = "latest"
BEST = "best"

_MAX_MANIFEST = 1_000_000
_MAX_POINTER = 256
_STEP = re.compile(r"step-([0-9]{8,18})")
_POINTER = re.compile(rf"{LATEST}|{BEST}(-[\w.-]+)?")


def step_folder(step: int) -> str:
    """Return the name of the checkpoint of a step."""
    return f"step-{step:08d}"


def step_of(name: str) -> int | None:
    """Return the step that the name of a checkpoint states; None for other names."""
    found = _STEP.fullmatch(name)
    step = int(found[1]) if found else None
    return step if step is not None and step_folder(step) == name else None


def is_unfinished(path: Path) -> bool:
    """Return True for what a process that was killed leaves: a checkpoint or a file that it had not finished."""
    return path.match("step-*.tmp-*") or path.match(UNFINISHED)


def best_in(metric: str) -> str:
    """Return the name of the file that names the best checkpoint in a metric: ``best-val-accuracy``."""
    return f"{BEST}-{re.sub(r'[^a-zA-Z0-9_.]', '-', metric)}"


def is_pointer(path: Path) -> bool:
    """Return True if a path is that of ``latest``, ``best`` or ``best-METRIC``, which contain a checkpoint's name."""
    return path.parent.name == CHECKPOINTS and _POINTER.fullmatch(path.name) is not None


def is_folder(path: Path) -> bool:
    """Return True for a folder that is not a link."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def open_own(path: Path) -> BufferedReader:
    """Open a file of a run directory for reading; OSError for a link, a pipe or a device, which may lead outside."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(None, "it is not a regular file", str(path))
        return open(descriptor, "rb")  # noqa: PTH123  # a descriptor, closed by the caller
    except BaseException:
        os.close(descriptor)
        raise


def pointed(folder: Path, pointer: str) -> Path | None:
    """Return the checkpoint that a file such as ``latest`` in a folder of checkpoints names; None if there is none."""
    try:
        with open_own(folder / pointer) as file:
            name = file.read(_MAX_POINTER).decode("ascii").strip()
    except (OSError, ValueError):
        return None
    return folder / name if step_of(name) is not None and is_folder(folder / name) else None


def checkpoint_at(path: Path) -> Path:
    """Return the checkpoint at a path: itself, the latest of a run directory, or the one that a pointer names.

    Returns the path unchanged if it is none of these.
    """
    if (path / MANIFEST).is_file():
        return path
    folder, pointer = (path.parent, path.name) if is_pointer(path) else (path / CHECKPOINTS, LATEST)
    return pointed(folder, pointer) or path


def read_manifest(checkpoint: Path) -> object:
    """Return the content of a manifest; OSError or ValueError if it cannot be read."""
    with open_own(checkpoint / MANIFEST) as file:
        text = file.read(_MAX_MANIFEST + 1)
    if len(text) > _MAX_MANIFEST:
        raise ValueError(f"{MANIFEST} is larger than {_MAX_MANIFEST:,} bytes")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(f"{MANIFEST} is nested too deeply") from None


def recorded_digest(file: Path) -> str | None:
    """Return the SHA-256 that the manifest of its checkpoint records for a file; None if no manifest records it."""
    try:
        manifest = read_manifest(file.parent)
        digest = manifest["files"][file.name]["sha256"]  # type: ignore[index]  # anything else is caught
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return digest if isinstance(digest, str) else None
