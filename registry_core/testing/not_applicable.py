"""How a check says that it cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.diagnostics import DataError


class NotApplicable(Exception):
    """Raised by a check that cannot be made of a component: the message says why."""


@contextmanager
def reading_files() -> Iterator[None]:
    """Raise NotApplicable where an example reads a file or folder that is not on this machine."""
    try:
        yield
    except DataError as error:
        raise NotApplicable(f"what its example reads is not here ({error})") from None
