"""What hooks are told during a run, in the order of the calls, and the two questions that they may answer.

    run_started
        gradients_ready             before every optimizer step
        step_ended                  after every optimizer step
            batch_evaluated         for every batch of an evaluation
            metrics_measured        when a row of metrics was made: log interval, evaluation, epoch's end
            should_stop             asked after each such row
            should_save             asked after every step
            checkpoint_saved        when one was written
    run_ended                       always, also after an error

Observers (all but ``should_stop`` and ``should_save``) are all called, even if one of them raises. The run stops if a
question raises. An event that no hook implements costs nothing.

Observers must not change what a run computes. What they may look at is in ``Run``: the model, samples, and ``view``,
which calls the model without leaving a trace in it or in the random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pluggy

PROJECT = "registry_core"
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method of a hook as an implementation of the event of the same name."""

_hookspec = pluggy.HookspecMarker(PROJECT)


Ending = Literal["finished", "stopped", "interrupted", "failed"]
"""How a run ended: all steps done, a hook stopped it, a signal did, or an error."""


@dataclass(frozen=True)
class Position:
    """Where a run is: whole epochs done, batches done in the epoch under way, optimizer steps done."""

    epoch: int = 0
    batch: int = 0
    step: int = 0


class Samples(Protocol):
    """The samples of one section of the data; making one changes nothing in the run."""

    def __len__(self) -> int: ...

    def sample(self, index: int, epoch: int) -> Mapping[str, Any]:
        """Sample ``index`` after its transforms in this epoch (from 0); of several views the first."""

    def batch(self, indices: Sequence[int], epoch: int) -> Mapping[str, Any]:
        """Several samples, collated, and after the transforms of batches, as in the first batch of the epoch."""


class View(Protocol):
    """A look at the model that changes neither its buffers and modes nor any random number of the run."""

    def predict(self, batch: Mapping[str, Any], layers: Sequence[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the model gives for a batch, by name, and what each named layer gave on the way; without gradients.

        The model is in evaluation mode; the averaged weights are used where the run keeps such. KeyError: there is no
        module of this name; RuntimeError: the model did not use it.
        """

    def inputs(self, batch: Mapping[str, Any]) -> tuple[Any, ...]:
        """The entries of a batch that the model is called with, on its device."""

    def undisturbed(self) -> AbstractContextManager[None]:
        """Inside, modes of modules and random generators may be changed: they are put back afterwards."""


@dataclass(frozen=True)
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
    pipeline: Mapping[str, Any] = field(default_factory=dict)
    """The resolved pipeline as plain data, with every default filled in."""
    class_names: tuple[str, ...] = ()
    """Names of the classes, if the training data have such."""
    output_form: str = "any"
    """What the model emits: logits, log_probabilities, probabilities, values or any."""
    model: Any = None
    """The module that is trained. Look at its parameters and gradients; to call it, use ``view``."""
    samples: Mapping[str, Samples] = field(default_factory=dict)
    """For each section of the data, its samples."""
    view: View | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    """Where hooks of one run may put what they share, such as an open file."""


@dataclass(frozen=True)
class Step:
    """One optimizer step that ended."""

    position: Position
    samples: int
    loss: Any
    """The mean loss of the step, a tensor on the device; reading it waits for the device, so read it rarely."""


@dataclass(frozen=True)
class Row:
    """Metrics at one step, as written to ``metrics.jsonl``."""

    step: int
    epoch: int
    values: Mapping[str, float]
    epoch_ended: bool


@dataclass(frozen=True)
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
    def gradients_ready(self, position: Position) -> None:
        """The parameters have the gradients of the step that leads to ``position``: accumulated, unscaled, clipped.

        An optimizer that computes gradients several times in one step, such as L-BFGS, tells it as often.
        """

    @_hookspec
    def step_ended(self, step: Step) -> None:
        """An optimizer step ended."""

    @_hookspec
    def batch_evaluated(self, values: Mapping[str, Any]) -> None:
        """A batch of an evaluation: its entries, and what the model gave under its names, such as ``output``.

        Tensors are on the device, without gradients.
        The row of metrics that this evaluation makes is told afterwards by ``metrics_measured``.
        """

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
    def run_ended(self, reason: str, ending: Ending) -> None:
        """The run ended: ``ending`` says how, and ``reason`` why, in a sentence."""


QUESTIONS = ("should_stop", "should_save")
EVENTS = (
    "run_started",
    "gradients_ready",
    "step_ended",
    "batch_evaluated",
    "metrics_measured",
    "checkpoint_saved",
    "run_ended",
)
