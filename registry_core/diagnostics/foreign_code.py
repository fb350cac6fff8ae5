"""The code of components may raise anything: one place turns it into an error that says what failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.diagnostics.errors import BrokenComponent, RegistryError
from registry_core.diagnostics.sentences import describe_error


def failure(
    what: str, error: BaseException, raises: type[RegistryError] = BrokenComponent, remedy: str = ""
) -> RegistryError:
    """The error to raise for whatever a component raised: ``WHAT: ValueError: text of the error.``

    ``what`` says which component failed at what. For code that runs for every sample, where a context costs time.
    """
    return raises(f"{what}: {describe_error(error)}.", remedy)


@contextmanager
def foreign_code(what: str, raises: type[RegistryError] = BrokenComponent, remedy: str = "") -> Iterator[None]:
    """Turn whatever is raised inside, an attempt to exit included, into ``failure``.

    Errors of registry-core itself pass.
    """
    try:
        yield
    except RegistryError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise failure(what, error, raises, remedy) from error
