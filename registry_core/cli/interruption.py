"""End a command on a signal: at once, with a sentence and the exit code 128 + signal number, and without a traceback.

A handler of Python runs only between two instructions, so a thread watches as well: it tells the user when a signal has
no effect yet, and ends the process at a second one, whatever it does. The kernel writes to its pipe.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from registry_core.diagnostics.stop_signals import STOP_SIGNALS, ReceivedSignal, Requests, act_by_default, heeded

_end_process = os._exit  # which raises while a plugin is imported

_PATIENCE = 1.0
"""Seconds after which the user is told that a signal was received."""

_SHOW_CURSOR = "\x1b[?25h"
"""A progress bar hides it."""


class _State:
    """The interruption of this process."""

    process = 0
    unwinds = False
    """True while there is something to clean up: a signal raises KeyboardInterrupt."""


def end_on_signals() -> None:
    """End this process on stop signals from now on, unless it ignores them."""
    _State.process = os.getpid()
    if sys.platform != "win32":
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        os.register_at_fork(after_in_child=_leave_pipe)  # a child has the pipe too, and its signals are not ours
        threading.Thread(target=_watch, args=(reading,), name="signals", daemon=True).start()
    for number in heeded():
        signal.signal(number, _interrupt)
    atexit.register(_keep_exit_code)  # as the first, it is called as the last


@contextmanager
def unwinding() -> Iterator[None]:
    """A context in which a signal raises KeyboardInterrupt, so that what has begun is undone; it ends the command then.

    click, which would print an empty line for it, does not see it.
    """
    hook = sys.unraisablehook

    def report(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is KeyboardInterrupt:  # a destructor was interrupted, and cannot end the command
            _end_process(interrupted())
        hook(unraisable)

    sys.unraisablehook = report
    _State.unwinds = True
    try:
        yield
    except KeyboardInterrupt:
        if ReceivedSignal.value is None:  # the code of a plugin raised it
            raise
        from click.exceptions import Exit

        raise Exit(interrupted()) from None
    finally:
        _State.unwinds = False
        sys.unraisablehook = hook


def interrupted() -> int:
    """Say that the command was interrupted, and return its exit code."""
    received = ReceivedSignal.value or signal.SIGINT
    _say(f"Interrupted by {received.name}.")
    return 128 + received


def _interrupt(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _State.process:
        act_by_default(number)
        return
    ReceivedSignal.value = signal.Signals(number)
    if _State.unwinds:
        _State.unwinds = False
        raise KeyboardInterrupt
    _end_process(interrupted())


def _watch(pipe: int) -> None:
    """Tell the user of a first signal that has no effect yet, and end the process at a second one."""
    requests, told = Requests(), False
    first: int | None = None
    while True:
        waits = first is not None and not told
        if waits and not select.select([pipe], [], [], _PATIENCE)[0]:
            name, told = signal.Signals(first or 0).name, True
            _say(f"{name}: stopping as soon as possible. A second signal ends the process at once.")
            continue
        for number in os.read(pipe, 64):
            if number not in STOP_SIGNALS:
                continue
            if requests.is_second(number):
                _say(f"Ended by {signal.Signals(number).name}.")
                _end_process(128 + number)
            first = first or number


def _keep_exit_code() -> None:
    """Ignore signals while Python is taken down: it would handle them no more, and the exit code is known."""
    for number in heeded():
        signal.signal(number, signal.SIG_IGN)
    # Python would replace the code by SIGINT where KeyboardInterrupt has passed through executed text, as that of a
    # dataclass or of a named tuple is; executing another text makes it forget this (bpo-1054041).
    exec("")


def _leave_pipe() -> None:
    signal.set_wakeup_fd(-1)


def _say(line: str) -> None:
    """Write a line to standard error, whatever Python does with it at this moment."""
    with suppress(OSError):  # it is closed
        text = f"{_SHOW_CURSOR}\r\n{line}\n" if os.isatty(2) else f"{line}\n"
        os.write(2, text.encode())
