"""Stops a run that no longer improves."""

from __future__ import annotations

import math
from typing import Any

from registry_core.components import Row, Run, hookimpl


class EarlyStopping:
    """Stops the run after ``patience`` evaluations without an improvement of more than ``min_delta``."""

    def __init__(self, monitor: str, patience: int, min_delta: float, better: str | None) -> None:
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.better = better
        self.best: float | None = None
        self.waited = 0

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Determine the direction in which the metric improves, unless set; a run that goes on has new patience."""
        if self.better is None:
            self.better = run.better.get(self.monitor, "lower")
        if run.goes_on:
            self.waited = 0

    @hookimpl
    def should_stop(self, row: Row) -> str | None:
        """Return a reason to stop the run once the patience is exhausted."""
        value = row.evaluation.get(self.monitor) if row.evaluation is not None else None
        if value is None or math.isnan(value):  # NaN says nothing about the model
            return None
        gain = None if self.best is None else (value - self.best) * (1 if self.better == "higher" else -1)
        if math.isfinite(value) and (gain is None or gain > self.min_delta):
            self.best, self.waited = value, 0
            return None
        self.waited += 1
        if self.waited < self.patience:
            return None
        best = "" if self.best is None else f" on {self.best:.4g}"
        return f"{self.monitor} has not improved{best} for {self.waited} evaluations (early_stopping)."

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, and the number of evaluations since then."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the best value and the number of evaluations since then."""
        self.best, self.waited = state["best"], state["waited"]
