"""What the hook does during a run."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from registry_core.components import Ending, Row, Run, hookimpl
from registry_core_mlflow.hooks import OWN
from registry_core_mlflow.objects.store import Measured, StoredRun, apart, store_uri
from registry_core_mlflow.objects.values import parameters, recorded_name, shortened

PAUSE = 60.0
"""Seconds after a failure in which nothing is tried."""

_STATUS: dict[Ending, str] = {
    "finished": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}
"""MLflow's words for how a run ended."""

_LONGEST_TAG = 8000
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


class NotRecorded(Exception):
    """Why MLflow could not record something."""


class Recording:
    """Records one run; what cannot be recorded waits until it can, or the run ends."""

    run: Run | None = None
    stored: StoredRun | None = None

    def __init__(
        self, experiment: str, run_name: str | None, tracking_uri: str | None, tags: dict[str, str], artifacts: bool
    ) -> None:
        self.experiment = experiment
        self.run_name = run_name
        self.tracking_uri = tracking_uri
        self.tags = tags
        self.artifacts = artifacts
        self.run_id: str | None = None
        self.store: str | None = None
        """The local database that the run is in; servers may move, and their addresses may hold passwords."""
        self.waiting: list[Measured] = []
        self.next_try = 0.0

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Begin an MLflow run, or go on with the one of before."""
        self.run = run
        self.waiting = _measured_before(run)
        self._record()

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        """Record a row."""
        self.waiting += _measured(row.step, row.epoch, row.values)
        if time.monotonic() >= self.next_try:
            self._record()

    @hookimpl
    def run_ended(self, reason: str, ending: Ending) -> None:
        """Record what is left, the files, and how it ended."""
        if self.run is None:
            return
        self._record()
        with self._calling(self.run):
            assert self.stored is not None
            self.stored.set_tag(f"{OWN}reason", shortened(reason, _LONGEST_TAG))
            for path in _files(self.run) if self.artifacts else ():
                self.stored.add_file(path)
            self.stored.end(_STATUS[ending])

    def state_dict(self) -> dict[str, Any]:
        """Which MLflow run it is; metrics.jsonl in the run directory has what was measured."""
        return {"run_id": self.run_id, "store": self.store}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember it."""
        self.run_id, self.store = state["run_id"], state["store"]

    def _record(self) -> None:
        """Send what waits; after a failure nothing is tried for a while, and the steps in the store are looked up."""
        assert self.run is not None
        with self._calling(self.run):
            if self.stored is None:
                self.stored = self._connected(self.run)
            elif self.next_try:
                self.stored.look()
            self.stored.add_metrics(self.waiting)
        self.waiting, self.next_try = [], 0.0

    @contextmanager
    def _calling(self, run: Run) -> Iterator[None]:
        """Inside, MLflow is called; NotRecorded if that fails, whatever MLflow and what it rests on raise."""
        try:
            with apart(run.view):
                yield
        except Exception as error:
            self.next_try = time.monotonic() + PAUSE
            cause = _PASSWORD.sub("", f"{type(error).__name__}: {error}")
            raise NotRecorded(f"MLflow could not record the run. {cause}") from error

    def _connected(self, run: Run) -> StoredRun:
        uri = store_uri(self.tracking_uri, self.store)
        tags = {**self.tags, **_facts(run)}
        stored = StoredRun.go_on(uri, self.run_id, tags) if self.run_id is not None else None
        if stored is None:
            name = self.run_name or run.directory.absolute().name
            stored = StoredRun.begin(uri, self.experiment, name, tags)
        self.run_id, self.store = stored.run_id, uri if uri.startswith("sqlite:") else None
        for changed, value in stored.add_parameters(parameters(run.pipeline)).items():
            stored.set_tag(recorded_name(f"{OWN}changed.{changed}"), value)
        return stored


def _measured(step: int, epoch: int, values: Mapping[str, float]) -> list[Measured]:
    now = time.time_ns() // 1_000_000
    return [Measured(recorded_name(name), value, now, step) for name, value in {"epoch": epoch, **values}.items()]


def _measured_before(run: Run) -> list[Measured]:
    """What a resumed run measured before its start: MLflow may lack some of it."""
    path = run.directory / "metrics.jsonl"
    if run.start.step == 0 or not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [one for row in rows for one in _measured(row.pop("step"), row.pop("epoch"), row)]


def _files(run: Run) -> list[Path]:
    """The files of the run directory; a summary there is of an earlier part of the run."""
    return sorted(path for path in run.directory.iterdir() if path.is_file() and path.name != "summary.json")


def _facts(run: Run) -> dict[str, str]:
    """Tags of every run; whether a resumed one is exact, its summary.json says when it ended."""
    resumed = {f"{OWN}guarantee": "see summary.json", f"{OWN}resumed_from_step": str(run.start.step)}
    return {
        f"{OWN}version": version("registry-core"),
        f"{OWN}run_directory": shortened(str(run.directory.absolute()), _LONGEST_TAG),
        **(resumed if run.start.step else {f"{OWN}guarantee": "exact"}),
    }
