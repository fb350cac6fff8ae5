"""The signals that ask a process to stop: of terminals, schedulers and service managers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)  # Windows has the first two
)
"""Ctrl-C, a termination, the end of the terminal, the warnings of schedulers, and a limit of processor time."""

_ECHO = 0.1
"""Seconds in which a signal is the same request again: `timeout`, `uv run` and others send it both to a process and to
its group."""

_REPEATED = getattr(signal, "SIGXCPU", None)
"""The kernel sends it again with every second of processor time."""


class ReceivedSignal:
    """The signal that ends this process, if one does."""

    value: signal.Signals | None = None


class Requests:
    """Tells the first request to stop from later ones; an echo of the first is none."""

    def __init__(self) -> None:
        self._first: float | None = None

    def is_second(self, number: int) -> bool:
        """Note a signal that arrives now; true if an earlier one has already asked."""
        now = time.monotonic()
        if self._first is None:
            self._first = now
        return now - self._first > _ECHO and number != _REPEATED


def heeded() -> dict[int, Any]:
    """The stop signals that this process does not ignore, with their handlers; `nohup` ignores SIGHUP."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    return {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}


def act_by_default(number: int) -> None:
    """Do with a signal what a process does that has no handler for it: end."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
