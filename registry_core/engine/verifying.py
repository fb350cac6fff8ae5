"""Verify a run: every checkpoint, the files beside them, and the checkpoint from which a resume would go on.

Nothing is written, claimed or built. Data are not looked at.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from registry_core.assembly.device import choose_device
from registry_core.config.dump import recorded
from registry_core.config.run_layout import BEST, LATEST, is_folder, is_pointer, is_unfinished, pointed, step_of
from registry_core.diagnostics import CheckpointError, PipelineError, RegistryError
from registry_core.engine.checkpoint.store import Checkpoint, checkpoints_in, load_checkpoint, none_intact
from registry_core.engine.claim import holder_of
from registry_core.engine.provenance import environment, plugins, require_plugins
from registry_core.engine.record import RunDirectory
from registry_core.engine.resuming import Guarantee, differences, inexact_because, refuse_differences, run_of
from registry_core.loaded import load_unseen

_FACTS = ("run.json", "pipeline.json", "environment.json")
"""The JSON files that every run directory has."""


@dataclass(frozen=True)
class VerifiedCheckpoint:
    """A checkpoint, read as a whole."""

    path: Path
    step: int | None
    """The step that its name states; None for another name."""
    bytes: int
    state: Literal["whole", "damaged", "foreign"]
    """``foreign``: whole, but of another run."""
    problem: str
    """A sentence about what is wrong; empty if it is whole and of this run."""
    run: str | None
    """The identity of the run that it states; None if it is damaged."""
    pointers: tuple[str, ...]
    """The files beside it that name it: ``latest``, ``best``, ``best-METRIC``."""


@dataclass(frozen=True)
class Resumption:
    """The resume that would be possible now."""

    checkpoint: Path | None = None
    """The checkpoint from which it would go on; None if it is refused or would start from the first step."""
    guarantee: Guarantee | None = None
    """None if it is refused."""
    reasons: tuple[str, ...] = ()
    """The reasons, as clauses, for which the guarantee is ``position``."""
    refused: tuple[str, ...] = ()
    """Sentences about why a resume would be refused."""


@dataclass(frozen=True)
class Verification:
    """The state of a run directory, or of one checkpoint."""

    directory: Path
    run: str | None
    """The identity of the run; None if ``run.json`` is missing or damaged."""
    continues: dict[str, Any] | None
    """The ``run`` that this one continues and its ``checkpoint``; None if it continues none."""
    checkpoints: tuple[VerifiedCheckpoint, ...]
    """The newest first."""
    problems: tuple[str, ...]
    """Sentences about what is damaged or foreign besides checkpoints."""
    notes: tuple[str, ...]
    """Sentences about what is harmless."""
    in_use_by: str | None
    """The process that runs in the directory now, in words; None if there is none."""
    resumption: Resumption

    @property
    def is_whole(self) -> bool:
        """True if nothing is damaged or foreign."""
        return not self.problems and all(checkpoint.state == "whole" for checkpoint in self.checkpoints)

    @property
    def is_resumable(self) -> bool:
        """True if a resume would not be refused."""
        return not self.resumption.refused


def verify(path: str | Path) -> Verification:
    """Verify every checkpoint of a run directory and the files beside them, or one checkpoint alone.

    Each checkpoint is read once, and its memory released. Raises CheckpointError if ``path`` is neither a run directory
    nor a checkpoint.
    """
    run, checkpoint = run_of(Path(path))
    directory = RunDirectory(run)
    if checkpoint is None and not any(map(os.path.lexists, (directory.pipeline, directory.checkpoints))):
        raise CheckpointError(f"{str(path)!r} is neither a run directory nor a checkpoint.", "Train a pipeline first.")
    return _Verifying(directory).verification(checkpoint)


class _Verifying:
    """One look at a run directory."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.run = directory.identity()
        self.pointers: dict[Path, list[str]] = {}
        self.newest: tuple[Path, Checkpoint] | None = None
        """The newest whole checkpoint of the run, without its weights."""
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.refused: list[str] = []

    def verification(self, only: Path | None) -> Verification:
        in_use_by = self._holder()  # first: what vanishes from here on is removed by that process
        if is_folder(self.directory.checkpoints):
            self._look_at_names(only)
        there = checkpoints_in(self.directory.checkpoints) if is_folder(self.directory.checkpoints) else []
        paths = there if only is None else [only]
        checkpoints = tuple(found for path in paths if (found := self._checkpoint(path)) is not None)
        if only is None:
            self._look_at_files()
        return Verification(
            self.directory.path,
            self.run,
            self.directory.continues(),
            checkpoints,
            tuple(self.problems),
            tuple(self.notes),
            in_use_by,
            self._resumption(),
        )

    def _holder(self) -> str | None:
        try:
            return holder_of(self.directory.path)
        except RegistryError as error:
            self.refused.append(str(error))
            return None

    def _look_at_names(self, only: Path | None) -> None:
        """Note which pointers name which checkpoint and, unless one checkpoint is asked for, what is none."""
        folder = self.directory.checkpoints
        for path in sorted(folder.iterdir()):
            if is_pointer(path):
                named = pointed(folder, path.name)
                if named is not None:
                    self.pointers.setdefault(named.absolute(), []).append(path.name)
                elif only is None:
                    self.problems.append(f"The file {str(path)!r} names no checkpoint.")
            elif only is None and not (step_of(path.name) is not None and is_folder(path)):
                self._note_stray(path)

    def _note_stray(self, path: Path) -> None:
        if is_unfinished(path):
            self.notes.append(f"{str(path)!r} was left by a save that was cut short, and the next resume removes it.")
        elif path.name.startswith("step-"):
            what = "a link" if path.is_symlink() else "not the folder of a step"
            self.problems.append(f"{str(path)!r} is no checkpoint but {what}, and is left out.")
        else:
            self.notes.append(f"{str(path)!r} does not belong to the run, and is left alone.")

    def _checkpoint(self, path: Path) -> VerifiedCheckpoint | None:
        """Read one checkpoint; None if the process that runs in the directory removed it meanwhile."""
        size = _size(path)
        pointers = tuple(sorted(self.pointers.get(path.absolute(), ()), key=_by_importance))
        try:
            found = load_checkpoint(path)
        except CheckpointError as error:
            if not os.path.lexists(path) and size:
                return None
            return VerifiedCheckpoint(path, step_of(path.name), size, "damaged", str(error), None, pointers)
        run = found.manifest.origin.run
        self.run = self.run or run  # as a resume does: the newest one decides
        if run != self.run:
            problem = f"The checkpoint {str(path)!r} belongs to another run, {run!r}, and is left out."
            return VerifiedCheckpoint(path, found.manifest.step, size, "foreign", problem, run, pointers)
        if self.newest is None:
            self.newest = path, found._replace(weights={})
        return VerifiedCheckpoint(path, found.manifest.step, size, "whole", "", run, pointers)

    def _look_at_files(self) -> None:
        """Look at everything in the run directory but the checkpoints."""
        for name in (*_FACTS, "summary.json"):
            path = self.directory.path / name
            if not os.path.lexists(path):
                if name in _FACTS:
                    self.problems.append(f"{str(path)!r} is missing.")
            elif not self.directory.facts(name):
                self.problems.append(f"{str(path)!r} is damaged.")
        self.problems += self.directory.leading_outside()
        for rows in (self.directory.rows, self.directory.changes):
            try:
                self.problems += rows.damaged()
            except RegistryError as error:
                self.problems.append(str(error))

    def _resumption(self) -> Resumption:
        if self.newest is None:
            if not self.refused and self.directory.has_saved_nothing():
                return Resumption(guarantee="exact")
            return Resumption(refused=(*self.refused, str(none_intact(self.directory.checkpoints))))
        path, saved = self.newest
        if saved.state["stopped"]:
            stopped = f"The run was stopped at step {saved.manifest.step}: {saved.state['stopped']}"
            self.notes.append(f"{stopped} A resume trains on only with --go-on.")
        reasons: tuple[str, ...] = ()
        try:
            reasons = tuple(_reasons(self.directory, saved.state["made_with"]))
        except PipelineError as error:
            self.refused += map(str, error.problems)
        except RegistryError as error:
            self.refused.append(str(error))
        if self.refused:
            return Resumption(path, None, (), tuple(self.refused))
        return Resumption(path, "position" if reasons else "exact", reasons)


def _reasons(directory: RunDirectory, made_with: dict[str, Any]) -> list[str]:
    """The reasons why a resume would not be exact; RegistryError if it would be refused."""
    require_plugins(made_with["plugins"])
    spec = load_unseen(directory.pipeline).spec
    own = made_with["pipeline"]
    refuse_differences(own, spec, differences(own, recorded(spec)), edited=True)
    device = choose_device(spec.train.device, spec.train.precision)
    return inexact_because(made_with, {"environment": environment(device), "plugins": plugins(spec)})


def _size(path: Path) -> int:
    """The bytes of the files in a folder; 0 if they cannot be listed."""
    try:
        with os.scandir(path) as entries:
            return sum(entry.stat(follow_symlinks=False).st_size for entry in entries)
    except OSError:
        return 0


def _by_importance(pointer: str) -> tuple[bool, bool, str]:
    return pointer != LATEST, pointer != BEST, pointer
