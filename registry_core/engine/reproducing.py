"""Reproduce a run: repeat it from its first step in a new directory, and compare every row and every weight.

The repeat has the pipeline with which the newest intact checkpoint was trained, and ends at its step as an interruption
would end it. Where the run had been extended, the repeat evaluates at the former ends, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry_core.analysis.lengths import horizon_of
from registry_core.assembly.device import choose_device
from registry_core.config import Spec
from registry_core.config.dump import recorded
from registry_core.config.run_layout import CHECKPOINTS, step_folder
from registry_core.diagnostics import RunError
from registry_core.diagnostics.printable import warn
from registry_core.engine.api import RunResult, start
from registry_core.engine.checkpoint.store import load_checkpoint, newest
from registry_core.engine.checkpoint.weights import Parts
from registry_core.engine.comparing import Difference, first_of_rows, first_of_weights, number_of_tensors
from registry_core.engine.provenance import changed_in_session, changed_plugins, environment, plugins, require_plugins
from registry_core.engine.record import RunDirectory
from registry_core.engine.requirements import check_one_process, check_requirements
from registry_core.engine.resuming import (
    changed_environment,
    differences,
    refuse_differences,
    refuse_for_repeating,
    run_of,
    telling_of_moved_data,
    unrepeatable,
)
from registry_core.loaded import Loaded, load_recorded, load_unseen
from registry_core.planning.make import make_plan


@dataclass(frozen=True)
class Reproduction:
    """The comparison of a run with its repeat."""

    run: Path
    """The directory of the run."""
    directory: Path
    """The directory of the repeat."""
    step: int
    """The step up to which it was repeated: that of the run's newest intact checkpoint."""
    environment: tuple[str, ...]
    """Sentences about what is not as it was at the start of the run, and may change bits."""
    doubts: tuple[str, ...]
    """Sentences about what happened to the run, and why the repeat may differ."""
    rows: int
    """The number of rows of the run up to this step."""
    tensors: int
    """The number of tensors of its weights."""
    difference: Difference | None
    """The first difference; None if there is none."""
    signal: int | None
    """The signal that stopped the repeat, if one did; then nothing is compared."""

    @property
    def is_equal(self) -> bool:
        """True if all rows and tensors are equal to the last bit."""
        return self.difference is None and self.signal is None


def reproduce(
    directory: str | Path,
    out: str | Path | None = None,
    *,
    overrides: Sequence[str] = (),
    tell: Callable[[str], None] | None = None,
) -> Reproduction:
    """Repeat a run up to its newest intact checkpoint, and compare all rows and weights bit for bit.

    The repeat is a new run directory, ``out``; default: ``runs/NAME-again-1``, ``-2``, …. ``overrides`` are
    ``KEY=VALUE`` options for where files are now, the device and loading. ``tell`` is called with each sentence about
    what differs here from the environment of the run, and why equality may not be reached, before the first step;
    default: on standard error.
    Raises RunError for a run that continues another, and what ``train`` raises.
    """
    check_one_process()
    check_requirements()
    own = _run_at(Path(directory))
    original = _Original.of(own)
    loaded = original.pipeline(overrides)
    environment, doubts = tuple(original.differences_here(loaded.spec)), tuple(original.doubts())
    for sentence in (*environment, *doubts):
        (tell or warn)(sentence)
    name = f"{own.path.absolute().name}-again"
    result = start(make_plan(loaded), out, name, tell, until=original.step, ends=frozenset(original.ends(loaded.spec)))
    signal = result.signal if result.position.step < original.step else None
    difference = None if signal is not None else original.difference(result)
    rows, tensors = len(original.rows), number_of_tensors(original.weights)
    return Reproduction(
        own.path, result.directory, original.step, environment, doubts, rows, tensors, difference, signal
    )


def _run_at(path: Path) -> RunDirectory:
    """The run directory at a path; RunError if it cannot be repeated from its start."""
    run, checkpoint = run_of(path)
    own = RunDirectory(run)
    if checkpoint is not None:
        raise RunError(f"{str(path)!r} is a checkpoint, and only a run is repeated.", f"Name its run: {str(run)!r}.")
    if not own.pipeline.exists():
        raise RunError(f"{str(path)!r} is not a run directory: it has no pipeline.json.", "Train a pipeline first.")
    if (parent := own.continues()) is not None:
        message = f"The run {str(path)!r} continues the checkpoint {str(parent.get('checkpoint'))!r} of another run,"
        raise RunError(f"{message} so it cannot be repeated from its start.", "Reproduce that run.")
    return own


@dataclass(frozen=True)
class _Original:
    """A run that is to be repeated: its files up to its newest intact checkpoint, in memory."""

    directory: RunDirectory
    checkpoint: Path
    step: int
    batches: int
    """Training batches of an epoch."""
    made_with: dict[str, Any]
    spec: Spec
    """The spec that is in force; up to the checkpoint, its length and hooks may have been others."""
    weights: Parts
    rows: list[dict[str, Any]]
    changes: list[dict[str, Any]]

    @classmethod
    def of(cls, directory: RunDirectory) -> _Original:
        """Read a run; what is damaged is told, and plugins that are missing are refused."""
        path, saved = newest(directory.checkpoints, directory.identity(), warn)
        made_with = saved.state["made_with"]
        require_plugins(made_with["plugins"])
        spec = load_unseen(directory.pipeline).spec
        refuse_differences(made_with["pipeline"], spec, differences(made_with["pipeline"], recorded(spec)), edited=True)
        step: int = saved.manifest.step
        last = step - saved.state["row_is_due"]
        rows = [row for row in directory.rows.read(warn) if row["step"] <= last]
        batches = saved.state["batches_per_epoch"]
        changes = directory.changes.read(warn)
        return cls(directory, path, step, batches, made_with, spec, saved.weights, rows, changes)

    def pipeline(self, overrides: Sequence[str]) -> Loaded:
        """The pipeline of the checkpoint, under options for where files are, the device and loading."""
        own = self.made_with["pipeline"]
        with telling_of_moved_data():
            loaded = load_recorded(own, f"{self.checkpoint}: pipeline", overrides, data=True, fresh=True)
        refuse_for_repeating(own, loaded.spec)
        return loaded

    def differences_here(self, spec: Spec) -> Iterator[str]:
        """Sentences about what differs from the environment at the start of the run, and may change bits."""
        then = self._environment()
        here = environment(choose_device(spec.train.device, spec.train.precision))
        for key, (before, present) in changed_environment({"environment": then}, {"environment": here}).items():
            yield f"{key} was {before}, and is {present} here: bits may differ."
        used, now = then["plugins"], plugins(spec)
        for name in changed_in_session(used, now):
            yield f"{name} of this session may not be as it was, so results may differ."
        for name in changed_plugins(used, now):
            yield f"{name} is not as it was: its version or a file of it changed, so results may differ."

    def _environment(self) -> dict[str, Any]:
        """The content of environment.json or, if it is damaged, the same facts of the checkpoint."""
        facts = self.directory.facts("environment.json")
        used = facts.get("plugins")
        if isinstance(used, dict) and all(isinstance(plugin, dict) for plugin in used.values()):
            return facts
        warn(f"{str(self.directory.path / 'environment.json')!r} is missing or damaged; the checkpoint's is compared.")
        return {**self.made_with["environment"], "plugins": self.made_with["plugins"]}

    def doubts(self) -> Iterator[str]:
        """Sentences about changes on a resume with which equality is not promised."""
        for change in self._changes():
            step, pipeline, environment = change["step"], change["pipeline"], change["environment"]
            if keys := unrepeatable(pipeline, self.made_with["pipeline"], self.spec):
                yield f"{', '.join(keys)} changed at step {step}, so equality is not promised."
            if environment:
                yield f"{', '.join(environment)} changed at step {step}, so equality is not promised."
        if self.directory.facts("summary.json").get("guarantee") == "position":
            yield "The run was resumed, but not bit for bit, so equality is not promised."

    def ends(self, spec: Spec) -> Iterator[int]:
        """The steps that were the last ones until the run was extended to the length of ``spec``."""
        for change in reversed(self._changes()):
            train = spec.train
            length = {name: _before(change["pipeline"], name, getattr(train, name)) for name in ("epochs", "max_steps")}
            spec = spec.model_copy(update={"train": train.model_copy(update=length)})
            if spec.train != train and horizon_of(spec, self.batches).total_steps == change["step"]:
                yield change["step"]

    def _changes(self) -> list[dict[str, Any]]:
        """The changes before the checkpoint, each with ``pipeline`` and ``environment``."""
        parts = ("pipeline", "environment")
        return [
            {"step": change["step"], **{part: _mapping(change.get(part)) for part in parts}}
            for change in self.changes
            if change["step"] < self.step
        ]

    def difference(self, result: RunResult) -> Difference | None:
        """The first difference between the run and its repeat."""
        reached = result.position.step
        last = max((row["step"] for row in self.rows), default=0)
        repeated = [row for row in RunDirectory(result.directory).rows.read() if row["step"] <= last]
        rows = [row for row in self.rows if row["step"] <= reached]
        if (found := first_of_rows(rows, repeated)) is not None:
            return found
        if reached < self.step:
            return Difference(f"The repeat ended at step {reached}, the run went on: {result.reason}", reached)
        checkpoint = result.directory / CHECKPOINTS / step_folder(self.step)
        return first_of_weights(self.step, self.weights, load_checkpoint(checkpoint).weights)


def _before(changed: Mapping[str, Any], name: str, now: Any) -> Any:
    """The number of epochs or steps before a change; ``now`` if that did not change it."""
    match changed.get(f"train.{name}"):
        case [int() | None as before, _]:
            return before
    return now


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
