"""The exception of checks that do not apply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.diagnostics import DataError


class NotApplicable(Exception):
    """Raised by a check that does not apply to a component; the message is the reason."""


@contextmanager
def reading_files() -> Iterator[None]:
    """Raise NotApplicable if an example reads a file or folder that is not on this machine."""
    try:
        yield
    except DataError as error:
        raise NotApplicable(f"the files of its example do not exist here ({error})") from None
