"""Open files of data: a pipe or a device in the place of a file would be read for ever."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):  # those of the platform
    _FLAGS |= getattr(os, _name, 0)


class NotRegular(OSError):
    """A path leads to neither a file nor a link to one; ``strerror`` says what is there."""


def open_regular(path: str | Path) -> io.FileIO:
    """Open a regular file for reading, also through links; NotRegular for a folder, pipe, socket or device."""
    _check(os.stat(path).st_mode, path)  # noqa: PTH116  # opening alone may act: a terminal, a tape
    descriptor = os.open(path, _FLAGS)
    try:
        _check(os.fstat(descriptor).st_mode, path)  # another one may have taken its place
        return io.FileIO(descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _check(mode: int, path: str | Path) -> None:
    if not stat.S_ISREG(mode):
        known = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))
        kind = next((words for matches, words in known if matches(mode)), "a device")
        raise NotRegular(errno.EINVAL, f"it is {kind}, not a file", str(path))
