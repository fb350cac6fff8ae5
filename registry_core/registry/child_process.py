"""Processes that this one starts: signals are for the parent, which ends them, and they never outlive it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import FrameType

from registry_core.diagnostics.stop_signals import STOP_SIGNALS

_PR_SET_PDEATHSIG = 1
"""The option of Linux's prctl for a signal at the end of the parent."""


@contextmanager
def stop_signals_blocked() -> Iterator[None]:
    """A context in which processes start with stop signals blocked, until ``leave_signals_to_parent``.

    A signal to the whole group would otherwise end a process before it can leave it to its parent. Here it is handled
    afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_signals_to_parent() -> None:
    """Let stop signals have no effect on this process; programs that it starts heed them.

    Only SIGKILL ends it then: `kill` of a process, not `terminate`.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, _do_nothing)  # programs would inherit SIG_IGN
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def end_with_parent() -> None:
    """Kill this process, whatever it does, as soon as the process that started it ends."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    threading.Thread(target=_end_after, args=(parent.sentinel,), name="end with parent", daemon=True).start()
    if sys.platform == "linux" and os.getppid() == parent.pid:  # also where no other thread of Python may run
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent.pid:  # it ended meanwhile
            os.kill(os.getpid(), signal.SIGKILL)


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Handle a signal that the parent handles."""
