"""Stop on a signal: it sets a flag, which the loop reads at the end of a step and while it waits for a batch."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from registry_core.diagnostics.stop_signals import ReceivedSignal, Requests, act_by_default, heeded


class StopRequest:
    """The signal that asked the run to stop, if one did."""

    signal: signal.Signals | None = None

    def is_made(self) -> bool:
        """True once a signal asked."""
        return self.signal is not None

    def __str__(self) -> str:
        return "" if self.signal is None else f"{self.signal.name} asked the run to stop."


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """A context in which a stop signal sets the flag; a second signal does what it did before.

    Signals that the process ignores are still ignored. A process that is forked inside does what signals do by default.
    """
    request = StopRequest()
    request.signal = ReceivedSignal.value  # it was raised while the run was built, and a component caught it
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield request
        return
    requests, process, saved = Requests(), os.getpid(), heeded()

    def note(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            act_by_default(number)
        elif requests.is_second(number):
            restore()
            saved[number](number, frame) if callable(saved[number]) else act_by_default(number)
        elif request.signal is None:
            request.signal = signal.Signals(number)

    def restore() -> None:
        for number, handler in saved.items():
            signal.signal(number, handler)

    for number in saved:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()
