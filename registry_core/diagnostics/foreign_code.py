"""Turn any exception from the code of a component into an error that says what failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.diagnostics.errors import BrokenComponent, RegistryError
from registry_core.diagnostics.sentences import describe_error


def failure(
    what: str, error: BaseException, raises: type[RegistryError] = BrokenComponent, remedy: str = ""
) -> RegistryError:
    """The error to raise for an exception of a component: ``WHAT: ValueError: text of the error.``

    ``what`` names the component and the operation that failed. Code that runs for every sample calls this directly,
    because a context manager costs time.
    """
    return raises(f"{what}: {describe_error(error)}.", remedy)


@contextmanager
def foreign_code(what: str, raises: type[RegistryError] = BrokenComponent, remedy: str = "") -> Iterator[None]:
    """Turn any exception raised inside, SystemExit included, into the error of ``failure``.

    Errors of registry-core itself pass through.
    """
    try:
        yield
    except RegistryError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise failure(what, error, raises, remedy) from error
