"""Turn any exception from the code of a component into an error that says what failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

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
    """Turn any exception raised inside, also one that is no ``Exception``, into the error of ``failure``.

    Errors of registry-core itself pass through, and so does Ctrl-C.
    """
    try:
        yield
    except RegistryError:
        raise
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        raise failure(what, error, raises, remedy) from error


def pass_interrupt(error: BaseException) -> None:
    """Raise the error again if Python made it, for Ctrl-C or the end of a generator, and no plugin raised it."""
    if is_interrupt(error):
        raise error


def is_interrupt(error: BaseException) -> bool:
    """True if Python made the error, for Ctrl-C or the end of a generator."""
    return isinstance(error, (KeyboardInterrupt, GeneratorExit)) and not _is_of_raise(error)


def _is_of_raise(error: BaseException) -> bool:
    """True if the deepest frame has just executed ``raise``, and is not of a signal handler of registry-core.

    Python itself raises these exceptions between other operations.
    """
    from opcode import opmap

    trace: TracebackType | None = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code.co_code
    own = str(trace.tb_frame.f_globals.get("__name__", "")).startswith("registry_core.")
    return not own and trace.tb_lasti >= 0 and code[trace.tb_lasti] == opmap["RAISE_VARARGS"]
