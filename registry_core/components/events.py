"""What hooks are told during a run, in the order of the calls, and the two questions that they may answer.

    run_started
        step_ended                  after every optimizer step
            metrics_measured        when a row of metrics was made: log interval, evaluation, epoch's end
            should_stop             asked after each such row
            should_save             asked after every step
            checkpoint_saved        when one was written
    run_ended                       always, also after an error

Observers (all but ``should_stop`` and ``should_save``) are all called, even if one of them raises. The run stops if a
question raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pluggy

PROJECT = "registry_core"
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method of a hook as an implementation of the event of the same name."""

_hookspec = pluggy.HookspecMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run is: whole epochs done, batches done in the epoch under way, optimizer steps done."""

    epoch: int = 0
    batch: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What a hook may know of the run that starts."""

    directory: Path
    epochs: int
    steps_per_epoch: int
    total_steps: int
    start: Position
    """Where it starts: zero, or the position it resumes from."""
    better: Mapping[str, Literal["higher", "lower"]] = field(default_factory=dict)
    """For each metric that will be measured, which way is better."""


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step that ended."""

    position: Position
    samples: int
    loss: Any
    """The mean loss of the step, a tensor on the device; reading it waits for the device, so read it rarely."""


@dataclass(frozen=True, slots=True)
class Row:
    """Metrics at one step, as written to ``metrics.jsonl``."""

    step: int
    epoch: int
    values: Mapping[str, float]
    epoch_ended: bool


@dataclass(frozen=True, slots=True)
class Save:
    """A checkpoint that a hook asks for: how many to keep, and whether this one is the best so far."""

    keep: int
    best: bool = False


class Events:
    """The hook specifications; a hook implements those it wants, marked with ``hookimpl``."""

    @_hookspec
    def run_started(self, run: Run) -> None:
        """The run is about to take its first step."""

    @_hookspec
    def step_ended(self, step: Step) -> None:
        """An optimizer step ended."""

    @_hookspec
    def metrics_measured(self, row: Row) -> None:
        """A row of metrics was made."""

    @_hookspec
    def should_stop(self, row: Row) -> str | None:
        """Give a reason to end the run here, or None."""

    @_hookspec
    def should_save(self, position: Position, row: Row | None, epoch_ended: bool) -> Save | None:
        """Ask for a checkpoint at this position, or None; ``row`` has what was measured there, if anything was."""

    @_hookspec
    def checkpoint_saved(self, path: Path) -> None:
        """A checkpoint was written and verified."""

    @_hookspec
    def run_ended(self, reason: str) -> None:
        """The run ended; ``reason`` says why in a sentence."""


QUESTIONS = ("should_stop", "should_save")
EVENTS = ("run_started", "step_ended", "metrics_measured", "checkpoint_saved", "run_ended")
