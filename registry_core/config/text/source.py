"""The text of pipeline files: of files, and of standard input."""

from __future__ import annotations

import sys
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from registry_core.components.regular_file import NotRegular, open_regular
from registry_core.config.text.yaml_nodes import refused
from registry_core.diagnostics import STDIN, PipelineError, Place

MAX_BYTES = 1_000_000
"""The size of a pipeline file and of all files that it extends, together, in bytes."""


def text_of_file(path: Path) -> str:
    """The text of a pipeline file; PipelineError if it is missing, too large, no regular file, or not UTF-8."""
    place = Place(str(path))
    data = _standard_input(sys.stdin.buffer) if path == STDIN and sys.stdin else _bytes_of(path)
    if len(data) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES:,} bytes."
        raise refused("file-too-large", message, "A pipeline file is short: keep data in files.", place)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"The file is not UTF-8 text: {error.reason} at byte {error.start:,}."
        raise refused("file-unreadable", message, "Save it as UTF-8.", place) from None


@cache
def _standard_input(stream: BinaryIO) -> bytes:
    """The bytes of standard input, which can be read only once."""
    try:
        return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(f"Standard input cannot be read: {error.strerror}.", "Name a pipeline file.") from None


def _bytes_of(path: Path) -> bytes:
    if path == STDIN:
        raise _unreadable("Standard input is closed.", "Name a pipeline file.")
    try:
        with BufferedReader(open_regular(path)) as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _unreadable(f"The file {str(path)!r} does not exist.", "Check the path.") from None
    except NotRegular as error:
        if path.is_dir():
            raise _unreadable(f"{str(path)!r} is a folder.", "Name a pipeline file in it.") from None
        message = f"{str(path)!r} cannot be read: {error.strerror}."
        raise _unreadable(message, "Name a file, or write - to read the pipeline from standard input.") from None
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        message = f"The file {str(path)!r} cannot be read: {reason}."
        raise _unreadable(message, "Check the path and its permissions.") from None


def _unreadable(message: str, remedy: str) -> PipelineError:
    return refused("file-unreadable", message, remedy, None)
