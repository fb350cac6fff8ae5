"""Time commands as whole processes, in turn, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

MAIN = "from registry_core.cli.main import main; main()"
BYTECODE = Path(tempfile.gettempdir()) / "registry-core-benchmarks"
"""Where bytecode lies, as pip leaves it with what it installs: it is made in the first round."""


class Case(NamedTuple):
    """Arguments of Python, and folders that it finds packages in besides."""

    arguments: list[str]
    path: str = ""


def seconds(case: Case) -> float:
    """The wall time of one process."""
    environment = {**os.environ, "PYTHONPATH": case.path, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = time.perf_counter()
    subprocess.run([sys.executable, *case.arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - started


def interleaved(cases: Mapping[str, Case], rounds: int) -> dict[str, list[float]]:
    """The times of each case, one a round; a first round, not counted, warms the page cache."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            spent = seconds(case)
            if number:
                times[name].append(spent)
    return times


def line(name: str, found: list[float]) -> str:
    """Median, smallest and largest in milliseconds."""
    middle = statistics.median(found) * 1000
    return f"{name:<32} {middle:5.0f} ms  ({min(found) * 1000:5.0f} to {max(found) * 1000:5.0f})"
