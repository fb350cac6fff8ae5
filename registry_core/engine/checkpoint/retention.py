"""Retention: the checkpoints that each hook of a run keeps, and the removal of all others.

Each hook keeps the newest of its own checkpoints and its best one; the run keeps the newest of all. Only checkpoints
that were verified count, so that a damaged one never makes a good one be removed. What no owner saved, such as a
checkpoint of another run, is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry_core.components import Save
from registry_core.config.run_layout import BEST, best_in, is_folder, pointed, step_folder, step_of
from registry_core.diagnostics import CheckpointError
from registry_core.engine.checkpoint.manifest import UnreadableCheckpoint, verify
from registry_core.engine.checkpoint.store import adopt, checkpoints_in, point

Signature = tuple[tuple[str, int, int, int, int], ...]
"""For each file of a checkpoint its name, inode, size, and times of change: it is verified again if one differs."""


@dataclass
class OwnCheckpoints:
    """The checkpoints that one owner saved and that still exist, by step."""

    saved: list[int] = field(default_factory=list)
    best: int | None = None
    keep: int = 1
    """The number of the newest ones to keep; 0: none is removed on its account."""
    metric: str = ""
    """The metric in which ``best`` is the best, if one decides."""

    def note(self, step: int, save: Save) -> None:
        """Note that the owner asked for the checkpoint of a step."""
        if step not in self.saved:
            self.saved.append(step)
        self.keep = save.keep
        if save.best:
            self.best, self.metric = step, save.metric

    def kept(self, verified: Iterable[int]) -> set[int]:
        """The steps to keep, of those that are verified."""
        own = sorted({*self.saved} & {*verified})
        newest = own[-self.keep :] if self.keep else own
        return {*newest} if self.best is None else {*newest, self.best}

    def state_dict(self) -> dict[str, Any]:
        """The steps."""
        return {"saved": list(self.saved), "best": self.best, "keep": self.keep, "metric": self.metric}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the steps."""
        self.saved, self.best = list(state["saved"]), state["best"]
        self.keep, self.metric = state["keep"], state["metric"]


class Retention:
    """The owners of the checkpoints in a folder: the run itself, and each of its hooks by its place."""

    def __init__(self, folder: Path, run: str, hooks: int) -> None:
        self.folder = folder
        self.run = run
        self.of_run = OwnCheckpoints(keep=0)
        self.of_hooks = [OwnCheckpoints() for _ in range(hooks)]
        self._seen: dict[str, tuple[Signature, str | None]] = {}
        """The last verification of each checkpoint: its signature then, and its run; None if it was damaged."""

    def note(self, step: int, save: Save, place: int | None) -> None:
        """Note a checkpoint that the hook at a place asked for, or the run itself."""
        owner = self.of_run if place is None else self.of_hooks[place]
        owner.note(step, save)

    def point_at_best(self) -> None:
        """Make ``best`` name the best checkpoint of the first hook that has one, and ``best-METRIC`` that of each."""
        bests = [(owner, self.folder / step_folder(owner.best)) for owner in self.of_hooks if owner.best is not None]
        wanted = {best_in(owner.metric): path for owner, path in reversed(bests) if owner.metric}
        if bests:
            wanted[BEST] = bests[0][1]
        for pointer, path in wanted.items():
            if is_folder(path) and pointed(self.folder, pointer) != path:
                point(self.folder, pointer, path)

    def move_from(self, before: Path, step: int) -> None:
        """Begin a folder of its own at a step: with the best checkpoints of the folder ``before``, and no others."""
        for owner in (self.of_run, *self.of_hooks):
            owner.saved = []
            if owner.best is None or owner.best == step:
                continue
            try:
                adopt(before / step_folder(owner.best), self.folder, self.run)
            except CheckpointError:  # it is damaged or gone, and its value remains the one to beat
                continue
            owner.saved = [owner.best]

    def prune(self) -> None:
        """Remove what no owner keeps, and damaged checkpoints that are older than a good one."""
        there = {step_of(path.name) or 0: path for path in checkpoints_in(self.folder)}
        owners = [self.of_run, *self.of_hooks]
        ours = {step for owner in owners for step in owner.saved}
        runs, unreadable = self._verified(there)
        good = [step for step, run in runs.items() if run == self.run]
        if not good:
            return
        kept = {max(good), *unreadable}.union(*(owner.kept(good) for owner in self.of_hooks))
        for step, path in there.items():
            is_superseded = step in ours and runs[step] in (self.run, None)
            is_useless = runs[step] is None and step < max(good)
            if step not in kept and (is_superseded or is_useless):
                shutil.rmtree(path, ignore_errors=True)  # what is left is damaged, and is removed the next time
        for owner in owners:
            owner.saved = [step for step in owner.saved if step in kept]

    def _verified(self, there: Mapping[int, Path]) -> tuple[dict[int, str | None], set[int]]:
        """The runs of checkpoints by step, None for damaged ones, and the steps of those that cannot be read now."""
        runs: dict[int, str | None] = {}
        unreadable = set()
        for step, path in there.items():
            try:
                runs[step] = self._verified_run(path)
            except UnreadableCheckpoint:  # it may be whole
                runs[step] = None
                unreadable.add(step)
        return runs, unreadable

    def _verified_run(self, path: Path) -> str | None:
        """The run of a checkpoint; None if it is damaged. One that did not change since is not read again.

        UnreadableCheckpoint if the disk or the machine is the reason.
        """
        signature = _signature(path)
        before = self._seen.get(path.name)
        if before is not None and signature and before[0] == signature:
            return before[1]
        try:
            run: str | None = verify(path).origin.run
        except UnreadableCheckpoint:
            raise
        except CheckpointError:
            run = None
        self._seen[path.name] = (signature, run)
        return run


def _signature(path: Path) -> Signature:
    try:
        found = [(each.name, each.lstat()) for each in sorted(path.iterdir())]
    except OSError:
        return ()
    return tuple((name, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns) for name, facts in found)
