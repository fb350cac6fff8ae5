"""Faults at the file operations of a process: the n-th one ends the process, or fails as a bad or full disk does.

Counted are opens, writes, flushes, renames, new and removed files and folders, and listings of folders below a folder.
A write that fails has written the half of its data.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from registry_core.engine.checkpoint import store

CRASHED = 77
"""The exit code of a process that ends at a fault."""

ACTIONS = ("crash", "ENOSPC", "EIO", "full from then on")
"""The process ends; one operation fails; all operations that need space fail from then on."""

_EVENTS = {"open": 0, "os.rename": 1, "os.mkdir": 0, "os.remove": 0, "os.rmdir": 0, "os.scandir": 0, "os.listdir": 0}
"""Operations that Python tells audit hooks of, with the place of the path among their arguments."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Faults:
    """The file operations of this process below a folder, of which one fails."""

    def __init__(self, action: str) -> None:
        """Listen to the operations; that lasts as long as the process."""
        self.folder = ""
        self.action = action
        self.at = 0
        self.count = 0
        self.is_armed = False
        self._open, self._write, self._fsync = io.open, os.write, os.fsync
        sys.addaudithook(self._heard)
        os.write, os.fsync = self._wrapped_write, self._wrapped_fsync
        io.open = self._wrapped_open  # type: ignore[assignment]  # the overloads of the real one
        real = store.save_file

        def save_file(tensors: Any, path: Path) -> None:
            self._reach("a tensor file", path, needs_space=True)
            real(tensors, path)
            self._reach("half of a tensor file", path, needs_space=True, first=lambda: _halve(path))

        store.save_file = save_file

    def arm(self, folder: Path, at: int) -> None:
        """Begin to count the operations below a folder, and let the ``at``-th fail; 0: none."""
        self.folder, self.at, self.count, self.is_armed = str(folder.absolute()), at, 0, True

    def disarm(self) -> None:
        """Let everything succeed from now on."""
        self.is_armed = False

    def _reach(
        self, operation: str, path: object, *, needs_space: bool, first: Callable[[], object] = lambda: None
    ) -> None:
        if not self.is_armed or not str(path).startswith(self.folder):
            return
        self.count += 1
        lasts = self.action == "full from then on"
        if not self.at or self.count < self.at or (self.count > self.at and not lasts) or (lasts and not needs_space):
            return
        self.is_armed = False  # what happens on the way does not count
        first()
        if self.action == "crash":
            os._exit(CRASHED)
        self.is_armed = True
        number = errno.EIO if self.action == "EIO" else errno.ENOSPC
        raise OSError(number, os.strerror(number), str(path))

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.is_armed and event in _EVENTS:
            path = arguments[_EVENTS[event]]
            if isinstance(path, int):
                return  # a descriptor, whose opening was counted
            writes = event == "open" and bool((arguments[2] or 0) & _WRITING)
            path = os.fspath(path) if path is not None else ""
            needs_space = writes or event in ("os.mkdir", "os.rename")
            self._reach(event, os.path.abspath(os.fsdecode(path)), needs_space=needs_space)  # noqa: PTH100  # opens nothing

    def _wrapped_write(self, descriptor: int, data: Any) -> int:
        half = bytes(data)[: len(data) // 2]
        self._reach("write", _path(descriptor), needs_space=True, first=lambda: self._write(descriptor, half))
        return self._write(descriptor, data)

    def _wrapped_fsync(self, descriptor: Any) -> None:
        self._reach("fsync", _path(descriptor), needs_space=True)
        self._fsync(descriptor)

    def _wrapped_open(self, file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        opened = self._open(file, mode, *arguments, **options)
        is_written = any(letter in mode for letter in "wax+")
        return _Written(opened, self, file) if is_written and not isinstance(file, int) else opened


class _Written:
    """A file that is written through Python's buffers."""

    def __init__(self, file: Any, faults: Faults, path: object) -> None:
        self._file = file
        self._faults = faults
        self._path = os.path.abspath(os.fsdecode(path))  # type: ignore[type-var]  # noqa: PTH100  # any path

    def write(self, data: Any) -> Any:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        self._faults._reach("write", self._path, needs_space=True, first=half)
        return self._file.write(data)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _path(descriptor: Any) -> str:
    number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
    try:
        return str(Path(f"/proc/self/fd/{number}").readlink())
    except OSError:
        return ""


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)
