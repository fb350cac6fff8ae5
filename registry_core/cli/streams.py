"""Standard output and error that a command can always write to."""

from __future__ import annotations

import errno
import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any


def prepare_streams() -> None:
    """Make output robust against streams that the caller closed, and characters that an encoding lacks.

    A terminal that is gone takes everything in silence, and so does standard error when nobody reads it: a run goes on.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115  # open until the process ends
        elif isinstance(stream, TextIOWrapper):
            raw = getattr(stream.buffer, "raw", stream.buffer)  # itself where Python does not buffer
            if isinstance(raw, FileIO) and (name == "stderr" or stream.isatty()):
                stream = _lasting(stream)
                setattr(sys, name, stream)
            stream.reconfigure(errors="backslashreplace")


class _Lasting(FileIO):
    """A file that discards what cannot be written because nobody reads it any more."""

    def write(self, data: Any) -> int:
        """Write data, or discard it."""
        try:
            return super().write(data) or 0
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EPIPE):
                raise
            return len(data)


def _lasting(stream: TextIOWrapper) -> TextIOWrapper:
    raw = BufferedWriter(_Lasting(stream.fileno(), "w", closefd=False))
    return TextIOWrapper(raw, stream.encoding, line_buffering=True, write_through=stream.write_through)
