"""Folders in memory, where a flush costs nothing: what a process writes before it is killed is there all the same."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # the folder below it has a name that nobody can guess
_NEEDED = 200 * 2**20


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder in memory or, without enough of it, among the temporary files; it is removed at the end."""
    is_roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED
    with tempfile.TemporaryDirectory(dir=_MEMORY if is_roomy else None, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
