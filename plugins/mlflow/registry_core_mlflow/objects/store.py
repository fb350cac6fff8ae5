"""A run in an MLflow store, accessed through the MLflow client without lasting changes to global state."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from registry_core.components import View

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Defaults: a training run does not wait minutes for a server, and sends no telemetry."""

_MOST_METRICS, _MOST_PARAMETERS = 1000, 100
"""Limits of MLflow for one call."""


class Measured(NamedTuple):
    """A metric at a step, with the time in milliseconds since 1970."""

    name: str
    value: float
    time: int
    step: int


@contextmanager
def apart(view: View | None) -> Iterator[None]:
    """Redirect the output of MLflow to stderr, and restore random generators and environment variables."""
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.stderr))
        if view is not None:
            stack.enter_context(view.undisturbed())
        missing = {name: value for name, value in _PATIENCE.items() if name not in os.environ}
        os.environ.update(missing)
        try:
            yield
        finally:
            for name in missing:
                os.environ.pop(name, None)


def store_uri(declared: str | None, before: str | None) -> str:
    """Return the store: as declared, of the resumed run, as configured in MLflow, or a file in this folder."""
    from mlflow import tracking

    if declared or before:
        return declared or before or ""
    is_set: Any = tracking.is_tracking_uri_set  # untyped in MLflow
    if is_set():
        return str(tracking.get_tracking_uri())
    return f"sqlite:///{Path('mlflow.db').absolute().as_posix()}"


class StoredRun:
    """A run in a store; every method may raise errors of MLflow."""

    def __init__(self, client: MlflowClient, run_id: str, recorded: dict[str, int]) -> None:
        self.client = client
        self.run_id = run_id
        self.recorded = recorded
        """The last step of each metric in the store."""

    @classmethod
    def begin(cls, uri: str, experiment: str, name: str, tags: Mapping[str, str]) -> StoredRun:
        """Create a run in an experiment, which is created if it does not exist."""
        client = _client(uri)
        found = client.get_experiment_by_name(experiment)
        place = found.experiment_id if found is not None else client.create_experiment(experiment)
        run = client.create_run(place, run_name=name, tags=dict(tags))
        return cls(client, run.info.run_id, {})

    @classmethod
    def go_on(cls, uri: str, run_id: str, tags: Mapping[str, str]) -> StoredRun | None:
        """Continue an existing run; return None if the store does not have it."""
        from mlflow import MlflowException

        client = _client(uri)
        stored = cls(client, run_id, {})
        try:
            stored.look()
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        client.update_run(run_id, status="RUNNING")
        for name, value in tags.items():
            client.set_tag(run_id, name, value)
        return stored

    def look(self) -> None:
        """Look up which steps the store has."""
        names = self.client.get_run(self.run_id).data.metrics
        histories = {name: self.client.get_metric_history(self.run_id, name) for name in names}
        self.recorded = {name: max(each.step for each in history) for name, history in histories.items()}

    def add_parameters(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Record parameters; return those that the store already has with another value, which cannot change."""
        from mlflow.entities import Param

        there = self.client.get_run(self.run_id).data.params
        new = [Param(name, value) for name, value in parameters.items() if name not in there]
        for start in range(0, len(new), _MOST_PARAMETERS):
            self.client.log_batch(self.run_id, params=new[start : start + _MOST_PARAMETERS])
        return {name: value for name, value in parameters.items() if there.get(name, value) != value}

    def add_metrics(self, measured: Sequence[Measured]) -> None:
        """Record metrics, except for steps that the store already has."""
        from mlflow.entities import Metric

        new = [one for one in measured if one.step > self.recorded.get(one.name, -1)]
        for start in range(0, len(new), _MOST_METRICS):
            batch = new[start : start + _MOST_METRICS]
            self.client.log_batch(
                self.run_id, metrics=[Metric(one.name, one.value, one.time, one.step) for one in batch]
            )
            self.recorded.update({one.name: max(one.step, self.recorded.get(one.name, -1)) for one in batch})

    def set_tag(self, name: str, value: str) -> None:
        """Set or replace a tag."""
        self.client.set_tag(self.run_id, name, value)

    def add_file(self, path: Path) -> None:
        """Store a file as an artifact."""
        self.client.log_artifact(self.run_id, str(path))

    def end(self, status: str) -> None:
        """Mark the run as ended with a status."""
        self.client.set_terminated(self.run_id, status)


def _client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)
