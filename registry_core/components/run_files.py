"""Files of a run directory that survive a crash: whole ones are replaced, logs are appended and flushed on request."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

_NOT_THROUGH_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BUFFERED = 2**16


def sync(path: Path) -> None:
    """Flush a file or the entries of a folder to the disk; a link is not followed."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY | _NOT_THROUGH_LINKS)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


UNFINISHED = ".*.tmp"
"""The names of files that `replace_file` leaves where the process is killed."""


def replace_file(path: Path, text: str) -> None:
    """Write a text file as a whole or not at all; what was at its path, also a link, is replaced, not followed."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class AppendedFile:
    """A file that grows, such as a log; it is opened only to write, so nothing is lost or printed if that fails.

    OSError if the disk is full, the folder is gone, or the path is a link: then nothing of what waits is in the file,
    and nothing will be, as a checkpoint may keep it for the run that is resumed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = b""
        self._error: OSError | None = None

    def write(self, data: bytes) -> None:
        """Append data, which are buffered; if they cannot be written, the next ``flush`` says so."""
        self._waiting += data
        if len(self._waiting) >= _BUFFERED:
            with suppress(OSError):
                self.flush()

    @property
    def waiting(self) -> bytes:
        """The data that are not written yet, or could not be."""
        return self._waiting

    def forget(self) -> None:
        """Drop the data that are not written yet."""
        self._waiting, self._error = b"", None

    def flush(self) -> None:
        """Write what is buffered, so that other processes see it and the end of this one does not lose it."""
        self._written(durable=False)

    def sync(self) -> None:
        """Write what is buffered and flush it to the disk, so that the end of the machine does not lose it."""
        self._written(durable=True)

    def _written(self, *, durable: bool) -> None:
        if self._error is not None:
            raise self._error
        try:
            self._append(durable=durable)
        except OSError as error:
            self._error = error
            raise

    def _append(self, *, durable: bool) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NOT_THROUGH_LINKS | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags, 0o644)
        try:
            before, written = os.fstat(descriptor).st_size, 0
            try:
                while written < len(self._waiting):
                    written += os.write(descriptor, memoryview(self._waiting)[written:])
                if durable:
                    os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, before)
                raise
            self._waiting = b""
        finally:
            os.close(descriptor)
