"""Runs in processes of their own: start one, wait for a moment, send signals, look for orphans, compare bit for bit.

The pipeline is small and made of ``reliability_parts``, whose hook notes in the run directory what happens: a line
``step 12`` after a step, ``evaluating 12`` before a batch of an evaluation, ``saving 12`` before a checkpoint.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from reliability.forked import Forked, command
from reliability.trials import LONG

from registry_core.config.run_layout import pointed
from registry_core.engine.checkpoint.store import load_checkpoint

HERE = Path(__file__).parent
LIMIT = 5.0 if LONG else 30.0
"""Seconds from a signal to the end of a run, more where other tests run beside it."""
STARTING = 60.0
"""Seconds that a run may take to make its first step on a busy machine."""

PIPELINE: dict[str, Any] = {
    "version": 1,
    "seed": 3,
    "data": {
        "train": {"dataset": {"noise": {"length": 240}}},
        "val": {"dataset": {"noise": {"length": 120, "seconds": 0.002}}},
        "batch_size": 16,
        "workers": 0,
    },
    "model": {"mlp": {"size": 8, "hidden": [32], "num_classes": 10}},
    "loss": "cross_entropy",
    "optim": {
        "optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}},
        "scheduler": {"reduce_on_plateau": {"monitor": "val/loss", "patience": 1, "factor": 0.5}},
    },
    "train": {"epochs": 6, "evaluate_every": "10 steps", "log_every": "3 steps", "device": "cpu"},
    "hooks": [
        "marks",
        {"checkpoint": {"every": "7 steps", "keep": 2, "best": "val/loss"}},
        {"early_stopping": {"monitor": "val/loss", "patience": 50}},
        "jsonl",
        "tensorboard",
    ],
}
"""Rows, evaluations and checkpoints of different intervals, and all that remembers evaluations."""


def write(folder: Path, **changes: Any) -> Path:
    """A file of ``PIPELINE``, with the values at dotted keys (``train__epochs``) changed."""
    spec = json.loads(json.dumps(PIPELINE))
    for name, value in changes.items():
        *parents, last = name.split("__")
        part = spec
        for parent in parents:
            part = part.setdefault(parent, {})
        part[last] = value
    path = folder / "pipeline.json"
    path.write_text(json.dumps(spec))
    return path


@dataclass
class Ended:
    """The end of a process: its exit code, output, and the seconds since it was told to end."""

    code: int
    out: str
    err: str
    seconds: float


class _Fresh:
    """The command in a new interpreter."""

    def __init__(self, arguments: Sequence[object]) -> None:
        path = [str(HERE), os.environ.get("PYTHONPATH", "")]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "registry_core", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, path)), "OMP_NUM_THREADS": "1"},
        )
        self.pid = self.process.pid

    def code(self) -> int | None:
        return self.process.poll()

    def end(self, seconds: float) -> tuple[str, str]:
        with suppress(subprocess.TimeoutExpired):
            return self.process.communicate(timeout=seconds)
        return "", ""


class _Forked:
    """The command in a process with torch in its memory; its two outputs are one."""

    def __init__(self, folder: Path, arguments: Sequence[object]) -> None:
        self.forked = Forked(folder, _heeding_signals, *arguments)
        self.pid: int = self.forked.process.pid

    def code(self) -> int | None:
        return self.forked.process.exitcode

    def end(self, seconds: float) -> tuple[str, str]:
        self.forked.process.join(seconds)
        text = self.forked.output.read_text() if self.forked.output.exists() else ""
        return text, text


def _heeding_signals(*arguments: object) -> None:
    from registry_core.cli.interruption import end_on_signals

    sys.path.insert(0, str(HERE))
    end_on_signals()
    command(*arguments)


class StartedRun:
    """A command in a process of its own, which leads its own session and process group."""

    started: ClassVar[list[StartedRun]] = []
    """All that may still be running."""

    def __init__(self, *arguments: object, out: Path, fresh: bool = True) -> None:
        """Start ``registry-core`` with these arguments; if not ``fresh``, it is forked with torch in its memory."""
        self.out = out
        arguments = (*arguments, "-p", "reliability_parts")
        self.process = _Fresh(arguments) if fresh else _Forked(out.parent, arguments)
        self.pid = self.process.pid
        self.started.append(self)
        self._told = 0.0

    @classmethod
    def train(cls, pipeline: Path, out: Path, *, fresh: bool = False) -> StartedRun:
        """Start a run."""
        return cls("train", pipeline, "--out", out, out=out, fresh=fresh)

    @classmethod
    def resume(cls, out: Path) -> StartedRun:
        """Resume a run."""
        return cls("train", "--resume", out, out=out, fresh=False)

    @classmethod
    def kill_all(cls) -> None:
        """End what is still running, with all of its processes."""
        while cls.started:
            run = cls.started.pop()
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.process.end(10)

    @property
    def has_ended(self) -> bool:
        """True once the process has ended."""
        return self.process.code() is not None

    def marks(self) -> list[str]:
        """What the hook of the run has noted so far."""
        path = self.out / "marks"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for(self, happened: Callable[[], bool], seconds: float = STARTING) -> bool:
        """Wait until something happened; False if the process ended before."""
        deadline = time.monotonic() + seconds
        while not happened():
            if self.has_ended:
                return False
            assert time.monotonic() < deadline, f"not within {seconds} s; {self.marks()[-3:]}"
            time.sleep(0.002)
        return True

    def wait_for_mark(self, word: str, count: int = 1) -> bool:
        """Wait for a number of marks with this first word."""
        return self.wait_for(lambda: sum(mark.startswith(word) for mark in self.marks()) >= count)

    def wait_for_marks(self, count: int) -> bool:
        """Wait for a number of marks; False if the process ended before."""
        return self.wait_for(lambda: len(self.marks()) >= count)

    def send(self, number: signal.Signals, *, to: str = "process") -> bool:
        """Send a signal to the process, its group, or one of its children; False if that has ended."""
        self._told = self._told or time.monotonic()
        if self.has_ended or (to == "child" and not self.children()):
            return False
        if to == "group":
            os.killpg(self.pid, number)
        elif to == "process":
            os.kill(self.pid, number)
        else:
            os.kill(self.children()[-1], number)
        return True

    def children(self) -> list[int]:
        """The child processes that run."""
        return sorted(pid for pid, parent, _, state in _processes() if parent == self.pid and state != "Z")

    def end(self, limit: float = 30.0) -> Ended:
        """Wait for the end."""
        told = self._told or time.monotonic()
        out, err = self.process.end(limit)
        seconds, code = time.monotonic() - told, self.process.code()
        assert code is not None, f"not within {limit} s"
        return Ended(code, out, err, seconds)

    def orphans(self, seconds: float = 3.0) -> list[str]:
        """The processes of the session that are still there after some time, by their command lines."""
        deadline = time.monotonic() + seconds
        while (left := _of_session(self.pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left


def handled(pid: int) -> set[int]:
    """The signals that a process handles."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return {number for number in range(1, 64) if mask >> (number - 1) & 1}


def _processes() -> Iterator[tuple[int, int, int, str]]:
    """Process, parent, session and state of all processes."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent, _, session, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it has ended
                continue
            yield int(entry.name), int(parent), int(session), state


def _of_session(session: int) -> list[str]:
    found = []
    for pid, _, of, state in _processes():
        if of == session and state != "Z":
            try:
                found.append(f"{pid} {Path('/proc', str(pid), 'cmdline').read_text()[:200]}")
            except OSError:
                continue
    return found


def last_step(marks: list[str]) -> int:
    """The last finished step that was noted."""
    return max((int(mark.split()[1]) for mark in marks if mark.startswith("step ")), default=0)


def saved_step(out: Path) -> int:
    """The step of the latest checkpoint, which is verified."""
    latest = pointed(out / "checkpoints", "latest")
    assert latest is not None, "there is no checkpoint"
    step: int = load_checkpoint(latest).state["position"]["step"]
    return step
