"""Call a function on items in other processes, so that a crash, an exit or a hang does not stop the caller."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from registry_core.diagnostics import describe_error
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.registry.child_process import end_with_parent

A = TypeVar("A")
R = TypeVar("R")


_SHOWN = 10_000
"""At most this many bytes of what an item prints are kept."""

START = 60.0
"""Seconds to wait for a process to start on a busy machine; the timeout of the items begins after that."""


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """The outcome of one item: a value, or the failure as a clause that follows the item's name."""

    value: R | None
    failure: str
    seconds: float
    printed: str
    """Text that was printed to standard output or standard error."""


def each_isolated(
    function: Callable[[A], R], items: Sequence[A], *, timeout: float, fresh: bool = False
) -> Iterator[Outcome[R]]:
    """The outcome of ``function(item)`` for each item, called in another process, for at most ``timeout`` seconds.

    One process handles the items in order; if it hangs, exits or crashes, that item has failed and a new process
    continues with the next one. With ``fresh`` every item has its own process. Function, items and values must be
    picklable.
    """
    done = 0
    while done < len(items):
        rest = items[done : done + 1] if fresh else items[done:]
        for outcome in _one_process(function, rest, timeout):
            done += 1
            yield outcome


def here(function: Callable[[A], R], item: A) -> Outcome[R]:
    """The outcome of ``function(item)`` in this process, for items that no other has, such as session components."""
    started = time.perf_counter()
    value, failure = None, ""
    try:
        value = function(item)
    except BaseException as error:  # the function may raise anything
        pass_interrupt(error)
        failure = f"raised {describe_error(error)}"
    return Outcome(value, failure, time.perf_counter() - started, "")


def _one_process(function: Callable[[A], R], items: Sequence[A], timeout: float) -> Iterator[Outcome[R]]:
    """The outcomes of the items, up to the first one that ends the process."""
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "printed")
        log.touch()
        process = context.Process(target=_work, args=(theirs, function, items, str(log)), daemon=True)
        process.start()
        theirs.close()
        try:
            _received(ours, max(timeout, START))  # the first message says that the process has started
            printed = 0
            for _ in items:
                started = time.perf_counter()
                message = _received(ours, timeout)
                said = _beginning(log, printed)
                printed = log.stat().st_size
                if message is None:
                    failure = _end_of(process, timeout)
                    yield Outcome(None, failure, time.perf_counter() - started, said)
                    return
                value, failure, seconds = message
                yield Outcome(value, failure, seconds, said)
        finally:
            process.kill()
            process.join()
            process.close()
            ours.close()


def _beginning(log: Path, start: int) -> str:
    """The text of a file from a place, as far as anyone will read it."""
    with log.open("rb") as file:
        file.seek(start)
        return file.read(_SHOWN).decode(errors="replace").strip()


def _context() -> Any:
    """A context whose processes are clean and start quickly: forked from a small server, if the platform has that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["registry_core.registry.registries"])
    return context


def _received(connection: Connection, timeout: float) -> Any:
    """The next message; None after the timeout, or if the other end is closed."""
    try:
        return connection.recv() if connection.poll(timeout) else None
    except EOFError:
        return None


def _end_of(process: Any, timeout: float) -> str:
    process.join(0.5)  # a pipe closes a moment before its process ends
    if process.exitcode is None:
        return f"did not end within {timeout:g} seconds"
    if process.exitcode < 0:
        return f"crashed its process (signal {-process.exitcode})"
    return f"ended its process (exit code {process.exitcode})"


def _work(connection: Connection, function: Callable[[Any], Any], items: Sequence[Any], log: str) -> None:
    end_with_parent()
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    connection.send("started")
    for item in items:
        started = time.perf_counter()
        value, failure = None, ""
        try:
            value = function(item)
        except BaseException as error:  # the function may raise anything
            failure = f"raised {describe_error(error)}"
        seconds = time.perf_counter() - started
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send((value, failure, seconds))
