"""Open files of data: a pipe or a device in the place of a file would be read for ever."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Without blocking: a pipe that nobody writes to is opened at once, and then refused."""


class NotRegular(OSError):
    """What a path leads to is neither a file nor a link to one; ``strerror`` says what it is."""


def open_regular(path: str | Path) -> io.FileIO:
    """Open a regular file for reading, also through links; NotRegular for a folder, pipe, socket or device."""
    descriptor = os.open(path, _FLAGS)
    try:
        kind = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(kind):
            raise NotRegular(0, f"it is {_words(kind)}, not a file", str(path))
        return io.FileIO(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _words(kind: int) -> str:
    known = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
    return next((words for matches, words in known if matches(kind)), "a device")
