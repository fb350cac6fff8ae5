"""The hook during a run."""

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
"""Seconds to wait after a failure before the next attempt."""

_STATUS: dict[Ending, str] = {
    "finished": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
    "failed": "FAILED",
}
"""MLflow status for each ending of a run."""

_LONGEST_TAG = 8000
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


class NotRecorded(Exception):
    """Raised if MLflow cannot record something."""


class Recording:
    """Records one run; measurements that cannot be recorded are kept for later attempts."""

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
        """The local database of the run; None for a server, which may move and whose address may contain a password."""
        self.waiting: list[Measured] = []
        self.next_try = 0.0

    @hookimpl
    def run_started(self, run: Run) -> None:
        """Start an MLflow run, or continue the previous one."""
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
        """Record the remaining measurements, the files and the status."""
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
        """Return the ID of the MLflow run; metrics.jsonl in the run directory contains the measurements."""
        return {"run_id": self.run_id, "store": self.store}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the ID of the MLflow run."""
        self.run_id, self.store = state["run_id"], state["store"]

    def _record(self) -> None:
        """Send pending measurements; after a failure, first look up which steps the store has."""
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
        """Call MLflow inside; raise NotRecorded for any error of MLflow or its dependencies."""
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
    """Return measurements from before a resume, some of which MLflow may lack."""
    path = run.directory / "metrics.jsonl"
    if run.start.step == 0 or not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [one for row in rows for one in _measured(row.pop("step"), row.pop("epoch"), row)]


def _files(run: Run) -> list[Path]:
    """Return the files of the run directory, except its lock and a summary, which is of an earlier part."""
    return sorted(
        path for path in run.directory.iterdir() if path.is_file() and path.name not in ("summary.json", "lock")
    )


def _facts(run: Run) -> dict[str, str]:
    """Return the tags of every run; the guarantee of a resumed run is written to summary.json when it ends."""
    resumed = {f"{OWN}guarantee": "see summary.json", f"{OWN}resumed_from_step": str(run.start.step)}
    return {
        f"{OWN}version": version("registry-core"),
        f"{OWN}run_directory": shortened(str(run.directory.absolute()), _LONGEST_TAG),
        **(resumed if run.start.step else {f"{OWN}guarantee": "exact"}),
    }
