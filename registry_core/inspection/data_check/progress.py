"""The progress of reading: a bar on a terminal, and the first fault of each kind as soon as it is found."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from registry_core.diagnostics.printable import printable
from registry_core.inspection.data_check.faults import Fault

_PAUSE = 0.1
"""Seconds between two updates of the bar."""


class ProgressDisplay:
    """Writes to standard error, without a bar if that is not a terminal."""

    def __init__(self, samples: int) -> None:
        self.console = Console(stderr=True)
        self.kinds: set[str] = set()
        columns = (TextColumn("reading data"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        faults = TextColumn("{task.fields[faults]} faults")
        self.bar = Progress(
            *columns,
            faults,
            console=self.console,
            disable=not self.console.is_terminal,
            auto_refresh=False,  # it needs a thread, but processes are forked from this one
        )
        self.task = self.bar.add_task("", total=samples, faults=0)
        self.faults = 0
        self.drawn = 0.0

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def read(self, samples: int, faults: Iterable[Fault]) -> None:
        """Add a number of read samples and their faults."""
        for fault in faults:
            self.faults += 1
            if fault.kind not in self.kinds and fault.severity == "error":
                self.kinds.add(fault.kind)
                self._say(str(fault))
        self.bar.update(self.task, advance=samples, faults=self.faults)
        if time.monotonic() - self.drawn > _PAUSE:
            self.drawn = time.monotonic()
            self.bar.refresh()

    def ended(self, samples: int, seconds: float, workers: int) -> None:
        """Finish after the last sample."""
        processes = "1 process" if workers == 1 else f"{workers} processes"
        self._say(f"read {samples:,} samples in {seconds:.1f} s with {processes}")

    def _say(self, line: str) -> None:
        self.console.print(printable(line), highlight=False, soft_wrap=True, markup=False)
