"""The number of trials of a harness, its seed, and the scoreboard of what it found.

A harness is quick unless REGISTRY_TRIALS names a factor, such as 10 for ten times as many trials. With
REGISTRY_SCOREBOARD, the path of a JSON file, each harness writes its trials and failures there; `docs/reliability.md`
is made from it.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FACTOR = float(os.environ.get("REGISTRY_TRIALS", "1"))
SEED = int(os.environ.get("REGISTRY_SEED", "0"))


def trials(quick: int) -> int:
    """The number of trials of a harness that has this many when it is quick."""
    return max(1, round(quick * FACTOR))


def generator(harness: str) -> random.Random:
    """The random numbers of a harness, which depend on the seed alone."""
    return random.Random(f"{SEED}/{harness}")


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
        path = os.environ.get("REGISTRY_SCOREBOARD")
        if path is None or error is not None:
            return
        there = json.loads(Path(path).read_text()) if Path(path).exists() else {}
        line = {"promise": self.promise, "trials": self.count, "failures": len(self.failures), "seed": SEED}
        Path(path).write_text(json.dumps({**there, self.harness: line}, indent=1, sort_keys=True) + "\n")

    def trial(self, holds: bool, description: object = "") -> None:
        """Count a trial."""
        self.count += 1
        if not holds:
            self.failures.append(str(description))

    def require_none_failed(self) -> None:
        """Fail the test if a trial failed."""
        assert self.count > 0
        assert not self.failures, f"{len(self.failures)} of {self.count}: {self.failures[:5]}"
