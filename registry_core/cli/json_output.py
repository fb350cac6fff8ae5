"""Keep standard output for the JSON of a command: whatever else is printed, also in C, goes to standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

import click

from registry_core.diagnostics.json_text import json_text


class _StandardOutput:
    """The stream that was standard output before it was reserved."""

    stream: TextIO | None = None


def reserve_stdout(context: click.Context) -> None:
    """Lead all output but that of ``print_json`` to standard error, until the command ends."""
    before = sys.stdout
    before.flush()
    try:
        descriptor = before.fileno()
    except (OSError, ValueError):  # a stream in memory
        _StandardOutput.stream = before
    else:
        kept = os.dup(descriptor)
        _StandardOutput.stream = os.fdopen(kept, "w", encoding=before.encoding, errors="backslashreplace")
        context.call_on_close(lambda: _give_back(descriptor))
        with suppress(OSError):  # standard error is closed
            os.dup2(2, descriptor)
    sys.stdout = sys.stderr
    context.call_on_close(lambda: setattr(sys, "stdout", before))


def _give_back(descriptor: int) -> None:
    """Standard output as it was, after what C code still keeps for it."""
    if "ctypes" in sys.modules:  # with any large library
        from registry_core.components.quiet_import import flush_c

        flush_c()
    stream, _StandardOutput.stream = _StandardOutput.stream, None
    if stream is not None:
        os.dup2(stream.fileno(), descriptor)
        stream.close()


def print_json(data: Any, indent: int | None = 2) -> None:
    """Print data as JSON."""
    click.echo(json_text(data, indent=indent, ensure_ascii=False, default=str), file=_StandardOutput.stream)
