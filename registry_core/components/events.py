"""The events of a run that hooks receive, in the order of the calls, and the two questions that they may answer.

    run_started
        gradients_ready             before every optimizer step
        step_ended                  after every optimizer step
            batch_evaluated         after every batch of an evaluation
            metrics_measured        after every row of metrics: log interval, evaluation, end of an epoch
            should_stop             asked after every such row
            should_save             asked after every step
            checkpoint_saving       before every checkpoint
            checkpoint_saved        after every checkpoint
    run_ended                       always, even after an error

Observers (all but ``should_stop`` and ``should_save``) are all called, even if one of them raises. The run stops if a
question raises. An event that no hook implements costs nothing.

Observers must not change the results of a run. ``Run`` holds what they may read: the model, samples, and ``view``,
which calls the model without changing its state or the random generators.
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
"""How a run ended: all steps done, stopped by a hook, interrupted by a signal, or failed with an error."""


@dataclass(frozen=True)
class Position:
    """The position of a run: complete epochs, batches done in the current epoch, and optimizer steps done."""

    epoch: int = 0
    batch: int = 0
    step: int = 0


class Samples(Protocol):
    """The samples of one section of the data; reading one changes nothing in the run."""

    def __len__(self) -> int: ...

    def sample(self, index: int, epoch: int) -> Mapping[str, Any]:
        """Sample ``index`` after its transforms in this epoch (from 0); the first view if there are several."""

    def batch(self, indices: Sequence[int], epoch: int) -> Mapping[str, Any]:
        """Several samples, collated and after the batch transforms, as in the first batch of the epoch."""


class View(Protocol):
    """Read access to the model that changes neither its buffers and modes nor the random numbers of the run."""

    def predict(self, batch: Mapping[str, Any], layers: Sequence[str] = ()) -> tuple[dict[str, Any], dict[str, Any]]:
        """The outputs of the model for a batch, by name, and those of each named layer; without gradients.

        The model is in evaluation mode, with the averaged weights if the run keeps them. Raises KeyError if there is
        no module of this name, and RuntimeError if the model did not call it.
        """

    def inputs(self, batch: Mapping[str, Any]) -> tuple[Any, ...]:
        """The entries of a batch that the model is called with, on its device."""

    def undisturbed(self) -> AbstractContextManager[None]:
        """A context in which modes of modules and random generators may change; they are restored at its end."""


@dataclass(frozen=True)
class Run:
    """The facts and objects of a starting run that a hook may read."""

    directory: Path
    epochs: int
    steps_per_epoch: int
    total_steps: int
    start: Position
    """The position at the start: zero, or that of the checkpoint it resumes from."""
    better: Mapping[str, Literal["higher", "lower"]] = field(default_factory=dict)
    """The better direction of each metric that will be measured."""
    pipeline: Mapping[str, Any] = field(default_factory=dict)
    """The resolved pipeline as plain data, with every default filled in."""
    class_names: tuple[str, ...] = ()
    """Names of the classes, if the training data have them."""
    output_form: str = "any"
    """The form of the model's output: logits, log_probabilities, probabilities, values or any."""
    model: Any = None
    """The module that is trained. Read its parameters and gradients; to call it, use ``view``."""
    samples: Mapping[str, Samples] = field(default_factory=dict)
    """The samples of each section of the data."""
    view: View | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    """Objects that hooks of one run share, such as an open file."""
    goes_on: bool = False
    """True if a hook had stopped the run, and it goes on nevertheless."""


@dataclass(frozen=True)
class Step:
    """One completed optimizer step."""

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
    evaluation: Mapping[str, float] | None = None
    """The values that count for stopping and for the best checkpoint, if an evaluation was due at this step.

    ``train/loss`` among them is the mean since the evaluation before, whatever ``train.log_every`` is. None for a row
    of the log, and for an evaluation that was made only because the run ended there: a longer run would not make it.
    """


@dataclass(frozen=True)
class Save:
    """A request for a checkpoint: how many of the hook's own to keep, and whether this one is its best so far."""

    keep: int
    best: bool = False
    metric: str = ""
    """The metric in which it is the best, if one decides; ``best-METRIC`` then names it."""


class Events:
    """The hook specifications; a hook implements any of them, marked with ``hookimpl``."""

    @_hookspec
    def run_started(self, run: Run) -> None:
        """The run is about to make its first step."""

    @_hookspec
    def gradients_ready(self, position: Position) -> None:
        """The parameters have the gradients of the step that leads to ``position``: accumulated, unscaled, clipped.

        With an optimizer that computes gradients several times in one step, such as L-BFGS, it is called as often.
        """

    @_hookspec
    def step_ended(self, step: Step) -> None:
        """An optimizer step ended."""

    @_hookspec
    def batch_evaluated(self, values: Mapping[str, Any]) -> None:
        """A batch was evaluated: its entries, and the outputs of the model by name, such as ``output``.

        Tensors are on the device, without gradients.
        The row of metrics of this evaluation follows with ``metrics_measured``.
        """

    @_hookspec
    def metrics_measured(self, row: Row) -> None:
        """A row of metrics was made."""

    @_hookspec
    def should_stop(self, row: Row) -> str | None:
        """Return a reason to end the run here, or None."""

    @_hookspec
    def should_save(self, position: Position, row: Row | None, epoch_ended: bool) -> Save | None:
        """Return a request for a checkpoint at this position, or None; ``row`` is the row of metrics there, if any."""

    @_hookspec
    def checkpoint_saving(self, position: Position) -> None:
        """A checkpoint is about to be written: flush to the disk what is buffered, or a run resumed there lacks it."""

    @_hookspec
    def checkpoint_saved(self, path: Path) -> None:
        """A checkpoint was written and verified."""

    @_hookspec
    def run_ended(self, reason: str, ending: Ending) -> None:
        """The run ended: ``ending`` says how, ``reason`` why, in a sentence."""


QUESTIONS = ("should_stop", "should_save")
EVENTS = (
    "run_started",
    "gradients_ready",
    "step_ended",
    "batch_evaluated",
    "metrics_measured",
    "checkpoint_saving",
    "checkpoint_saved",
    "run_ended",
)
