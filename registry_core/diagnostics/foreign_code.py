"""The code of components may raise anything: one place turns it into an error that says what failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.diagnostics.errors import BrokenComponent, RegistryError

_LONGEST = 400


def reason(error: BaseException) -> str:
    """The type of an error and its text, in one line, without a full stop."""
    text = " ".join(str(error).split())
    shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return (f"{type(error).__name__}: {shown}" if shown else type(error).__name__).rstrip(".")


@contextmanager
def foreign_code(what: str, raises: type[RegistryError] = BrokenComponent, remedy: str = "") -> Iterator[None]:
    """Turn whatever is raised inside, an attempt to exit included, into ``raises``: ``WHAT failed: …``.

    Errors of registry-core itself pass.
    """
    try:
        yield
    except RegistryError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise raises(f"{what} failed: {reason(error)}.", remedy) from error
