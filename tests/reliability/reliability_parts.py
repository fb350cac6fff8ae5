"""Components of the runs in ``runs``: a data set of any speed, and a hook that notes what happens."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import get_worker_info

from registry_core.components import hookimpl


class Noise:
    """Ten classes of noise; a sample takes ``seconds``, and the sample ``at`` does what ``act`` says.

    ``act``: ``hang`` for ever, ``loop`` for ever, or ``exit``, or a signal that the process sends itself; only in a
    loader process with ``in_worker``. A sample has a text of this length, which no shared memory holds.
    """

    def __init__(
        self, length: int, seconds: float = 0.0, act: str = "", at: int = -1, in_worker: bool = False, text: int = 0
    ) -> None:
        self.length = length
        self.seconds = seconds
        self.act = act
        self.at = at
        self.in_worker = in_worker
        self.text = text

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        if self.seconds:
            time.sleep(self.seconds)
        if index == self.at and (get_worker_info() is not None or not self.in_worker):
            _act(self.act)
        generator = torch.Generator().manual_seed(index)
        label = index % 10
        sample = {"input": torch.randn(1, 8, 8, generator=generator) + label / 5, "target": label}
        return {**sample, "text": str(index) * self.text} if self.text else sample


def _act(name: str) -> None:
    if name == "hang":
        time.sleep(1e6)
    elif name == "loop":
        while True:
            pass
    elif name == "exit":
        os._exit(0)
    else:
        os.kill(os.getpid(), getattr(signal, name))


class Marks:
    """Notes what happens in the file ``marks`` of the run directory, at once; ``pause``: seconds after each step."""

    step = 0
    file: int

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause

    def mark(self, word: str) -> None:
        """Append a line."""
        os.write(self.file, f"{word} {self.step}\n".encode())

    @hookimpl
    def run_started(self, run: Any) -> None:
        """Open the file."""
        self.file = os.open(Path(run.directory, "marks"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.step = run.start.step
        self.mark("started")

    @hookimpl
    def step_ended(self, step: Any) -> None:
        """Note a step."""
        self.step = step.position.step
        self.mark("step")
        time.sleep(self.pause)

    @hookimpl
    def batch_evaluated(self) -> None:
        """Note a batch of an evaluation."""
        self.mark("evaluating")

    @hookimpl
    def should_save(self) -> None:
        """Note a moment at which other hooks save."""
        self.mark("saving")

    @hookimpl
    def run_ended(self) -> None:
        """Note the end."""
        self.mark("ended")


REGISTRY_CORE = {"dataset/noise": Noise, "hook/marks": Marks}
