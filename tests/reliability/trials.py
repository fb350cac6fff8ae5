"""The number of trials of a harness, its seed, and the scoreboard of what it found.

A harness is quick unless REGISTRY_TRIALS is ``long``. With REGISTRY_SCOREBOARD, the path of a JSON file, each harness
writes its trials and failures there; `docs/reliability.md` is made from it.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONG = os.environ.get("REGISTRY_TRIALS") == "long"
SEED = int(os.environ.get("REGISTRY_SEED", "0"))
"""Seed of all random choices."""


def trials(quick: int, long: int) -> int:
    """The number of trials of a harness."""
    return long if LONG else quick


def generator(*harness: object) -> random.Random:
    """The random numbers of a harness or a part of it, which depend on the seed alone."""
    return random.Random(f"{SEED} {' '.join(map(str, harness))}")


@dataclass
class Score:
    """The trials of one harness, and the failures among them; as a context manager, it is written at the end."""

    harness: str
    promise: str
    """What holds in every trial."""
    count: int = 0
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> Score:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Write the score and, without another error, fail if a trial failed."""
        if error is not None:
            return
        if path := os.environ.get("REGISTRY_SCOREBOARD"):
            line = {"promise": self.promise, "trials": self.count, "failures": len(self.failures), "seed": SEED}
            _write(Path(path), self.harness, line)
        assert self.count > 0
        assert not self.failures, f"{len(self.failures)} of {self.count}: {self.failures[:5]}"

    def trial(self, holds: bool, description: object = "") -> None:
        """Count a trial."""
        self.count += 1
        if not holds:
            self.failures.append(str(description))


def _write(path: Path, harness: str, line: dict[str, Any]) -> None:
    """Replace the line of a harness in the scoreboard, which tests in other processes write, too."""
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        there = json.loads(file.read() or "{}")
        file.truncate(0)
        file.write(json.dumps({**there, harness: line}, indent=1, sort_keys=True) + "\n")
