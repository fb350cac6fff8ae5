"""Decides when to save checkpoints, and which one is the best."""

from __future__ import annotations

import math
from typing import Any

from registry_core.components import Every, Position, Row, Run, Save, hookimpl


class Checkpoint:
    """Requests a checkpoint at every interval, and whenever the monitored metric reaches a new best value."""

    def __init__(self, every: Every, keep: int, best: str | None) -> None:
        self.every = every
        self.keep = keep
        self.watched = best
        self.best: float | None = None
        self.higher = True
        self.last = 0
        """The last step of the run."""

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Determine the direction in which the monitored metric improves, and the length of the run."""
        self.last = run.total_steps
        if self.watched is not None:
            self.higher = run.better.get(self.watched, "higher") == "higher"

    @hookimpl
    def should_save(self, position: Position, row: Row | None, epoch_ended: bool) -> Save | None:
        """Request a checkpoint if one is due or the metric is at its best."""
        best = row is not None and (self._is_best(row) or self._is_only_one(position, row))
        due = self.every.due(step=position.step, epochs_done=position.epoch, epoch_ended=epoch_ended)
        return Save(self.keep, best, self.watched or "") if due or best else None

    def _is_only_one(self, position: Position, row: Row) -> bool:
        """True at the end of a run without an evaluation that counts: a longer run would not compare with this one."""
        value = row.values.get(self.watched, math.nan) if self.watched is not None else math.nan
        return position.step == self.last and self.best is None and math.isfinite(value)

    def _is_best(self, row: Row) -> bool:
        value = row.evaluation.get(self.watched) if self.watched is not None and row.evaluation is not None else None
        if value is None or not math.isfinite(value):
            return False
        better = self.best is None or (value > self.best if self.higher else value < self.best)
        if better:
            self.best = value
        return better

    def state_dict(self) -> dict[str, Any]:
        """Return the best value so far."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the best value so far."""
        self.best = state["best"]
