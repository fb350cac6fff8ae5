"""Stop on a signal: it sets a flag, which the loop reads at the end of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """The signal that asked the run to stop, if one did."""

    signal: signal.Signals | None = None


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """A context in which SIGINT and SIGTERM set the flag; a second signal ends the process by the previous handler."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield request
        return
    saved = {number: signal.getsignal(number) for number in _SIGNALS}

    def note(number: int, frame: FrameType | None) -> None:
        request.signal = signal.Signals(number)
        for each, handler in saved.items():
            signal.signal(each, handler)

    for number in _SIGNALS:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)
