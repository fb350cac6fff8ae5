"""Import the modules of plugins: what they print goes to standard error, and one that hangs or exits is named."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import NoReturn

from registry_core.catalog.own import BUILT_INS
from registry_core.diagnostics.printable import warn

PATIENCE = 10.0
"""An import that takes longer than this, in seconds, is named."""


@contextmanager
def quiet_import(module: str, owner: str) -> Iterator[None]:
    """A context for the import of a module, which belongs to ``owner``, such as ``The loss 'focal' of acme 1.0``."""
    if module.partition(".")[0] == BUILT_INS:  # known to print nothing in C
        with redirect_stdout(sys.stderr):
            yield
        return
    with _named_if_it_hangs(module, owner), _exit_raises(), _output_to_stderr(), redirect_stdout(sys.stderr):
        yield


@contextmanager
def _named_if_it_hangs(module: str, owner: str) -> Iterator[None]:
    from threading import Timer

    timer = Timer(
        PATIENCE, warn, (f"{owner}: its module {module!r} is still being imported after {PATIENCE:g} seconds.",)
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _exit_raises() -> Iterator[None]:
    """A context in which ``os._exit`` raises SystemExit: it would end a command without a word, and as a success."""
    from threading import get_ident

    before, importer, is_over = os._exit, (os.getpid(), get_ident()), False

    def exit_raises(status: int) -> NoReturn:
        if is_over or (os.getpid(), get_ident()) != importer:  # such as a child that the module forked
            before(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = exit_raises
    try:
        yield
    finally:
        is_over = True  # in case that another thread puts it back
        os._exit = before


@contextmanager
def _output_to_stderr() -> Iterator[None]:
    """Lead what is written to the file descriptor of standard output, as by code in C, to standard error."""
    _flush()
    try:
        saved = os.dup(1)
    except OSError:  # the caller closed it
        yield
        return
    try:
        with suppress(OSError):
            os.dup2(2, 1)
        yield
    finally:
        _flush()
        if not os.isatty(saved):
            flush_c()
        os.dup2(saved, 1)
        os.close(saved)


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(Exception):  # a plugin may have replaced it, or the caller closed it
            stream.flush()  # type: ignore[union-attr]  # None is suppressed, too


def flush_c() -> None:
    """Write at once what the C library keeps for standard output until the process ends."""
    import ctypes

    with suppress(OSError, AttributeError, TypeError):  # on Windows, there is no library of this process
        ctypes.CDLL(None).fflush(None)
