"""Runs recorded in a local store are read back with the MLflow client."""

# A test's name says what it shows.
from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import registry_core
from registry_core.components import hookimpl
from registry_core.engine.api import RunResult

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its dependencies raise unrelated warnings

SECTION = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}
PIPELINE: dict[str, Any] = {
    "version": 1,
    "data": {"train": SECTION, "val": SECTION, "batch_size": 64},
    "model": {"mlp": {"size": 8, "hidden": [16], "num_classes": 10, "dropout": 0.1}},
    "loss": "cross_entropy",
    "optim": {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}},
    "train": {"epochs": 2, "log_every": "2 steps", "device": "cpu"},
    "metrics": ["accuracy"],
}


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return one database for all tests, because MLflow takes seconds to create its tables."""
    folder = tmp_path_factory.mktemp("store")
    before = Path.cwd()
    os.chdir(folder)  # artifacts are stored relative to the folder in which a run starts
    yield f"sqlite:///{folder / 'mlflow.db'}"
    os.chdir(before)


@pytest.fixture
def hook(uri: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the parameters of the hook, with an experiment for this test."""
    return {"experiment": request.node.name, "tracking_uri": uri}


def written(folder: Path, hook: Mapping[str, Any] | None, **changes: Any) -> Path:
    data = copy.deepcopy(PIPELINE)
    if hook is not None:
        data["hooks"] = [{"mlflow": dict(hook)}, *changes.pop("hooks", [])]
    for name, value in changes.items():
        part, _, key = name.partition("__")
        data[part][key] = value
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def trained(folder: Path, hook: Mapping[str, Any] | None, **changes: Any) -> RunResult:
    return registry_core.train(registry_core.load(written(folder, hook, **changes)), folder / "run")


def only_run(hook: Mapping[str, Any]) -> Any:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=hook["tracking_uri"])
    experiment = client.get_experiment_by_name(hook["experiment"])
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def history(hook: Mapping[str, Any], name: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=hook["tracking_uri"])
    found = client.get_metric_history(only_run(hook).info.run_id, name)
    return sorted((each.step, each.value) for each in found)


def rows(result: RunResult, name: str) -> list[tuple[int, float]]:
    lines = (result.directory / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [(row["step"], row[name]) for row in map(json.loads, lines) if name in row]


def test_parameters_metrics_tags_and_the_end_are_recorded(
    tmp_path: Path, hook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    hook = {**hook, "tags": {"team": "vision"}, "run_name": "first", "artifacts": True}
    result = trained(tmp_path, hook)
    assert capsys.readouterr().out == ""
    assert result.summary["hook_errors"] == []
    run = only_run(hook)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    assert run.data.params["optim.optimizer.sgd.momentum"] == "0.9"
    assert run.data.params["model.mlp.hidden"] == "[16]"
    assert run.data.params["data.train.transforms.0"] == "to_tensor"
    assert run.data.params["train.deterministic"] == "true"
    assert not [name for name in run.data.params if name.startswith("hooks")]
    assert run.data.tags["team"] == "vision"
    assert run.data.tags["registry_core.reason"] == "All steps are done."
    assert run.data.tags["registry_core.guarantee"] == "exact"
    assert run.data.tags["registry_core.run_directory"] == str(result.directory)
    for name in ("train/loss", "val/loss", "val/accuracy", "lr", "epoch"):
        assert history(hook, name) == rows(result, name)
    assert len(history(hook, "train/loss")) == 6
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=hook["tracking_uri"])
    names = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert names == {"environment.json", "init.txt", "metrics.jsonl", "parameters.txt", "pipeline.json", "run.json"}
    kept = client.download_artifacts(run.info.run_id, "pipeline.json", str(tmp_path))
    assert Path(kept).read_bytes() == (result.directory / "pipeline.json").read_bytes()


def test_a_fresh_process_reads_what_was_recorded(tmp_path: Path, hook: dict[str, Any]) -> None:
    result = trained(tmp_path, hook)
    code = (
        "import json, sys\n"
        "from mlflow import MlflowClient\n"
        "client = MlflowClient(tracking_uri=sys.argv[1])\n"
        "run, = client.search_runs([client.get_experiment_by_name(sys.argv[2]).experiment_id])\n"
        "print(json.dumps([run.info.status, run.data.metrics]))\n"
    )
    arguments = [sys.executable, "-W", "ignore", "-c", code, hook["tracking_uri"], hook["experiment"]]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    status, metrics = json.loads(done.stdout)
    assert status == "FINISHED"
    assert metrics["val/accuracy"] == result.metrics["val/accuracy"]


def test_no_bit_of_the_result_changes(tmp_path: Path, hook: dict[str, Any]) -> None:
    plain = trained(tmp_path / "plain", None, data__workers=1)
    watched = trained(tmp_path / "watched", hook, data__workers=1)
    left, right = plain.pipeline.model.state_dict(), watched.pipeline.model.state_dict()
    assert all(torch.equal(left[key], right[key]) for key in left)
    assert rows(plain, "train/loss") == rows(watched, "train/loss")
    assert only_run(hook).info.status == "FINISHED"


def test_nothing_global_is_left_behind(tmp_path: Path, hook: dict[str, Any]) -> None:
    before = dict(os.environ)
    trained(tmp_path, hook)
    import mlflow

    assert dict(os.environ) == before
    assert mlflow.active_run() is None
    assert not [thread.name for thread in threading.enumerate() if "Telemetry" in thread.name]


def test_a_resumed_run_goes_on_with_the_same_mlflow_run(tmp_path: Path, hook: dict[str, Any]) -> None:
    whole = trained(tmp_path / "whole", None)
    path = written(tmp_path / "stopped", hook)
    registry_core.train(registry_core.load(path, ["train.max_steps=5"]), tmp_path / "stopped" / "run")
    first = only_run(hook)
    resumed = registry_core.resume(tmp_path / "stopped" / "run", registry_core.load(path))
    run = only_run(hook)
    assert run.info.run_id == first.info.run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["registry_core.resumed_from_step"] == "5"
    assert run.data.tags["registry_core.guarantee"] == "see summary.json"
    assert "train.max_steps" in run.data.params
    for name in ("train/loss", "val/accuracy", "lr", "epoch"):
        assert history(hook, name) == rows(resumed, name)
    assert rows(resumed, "val/loss")[-1] == rows(whole, "val/loss")[-1]


def test_a_step_that_was_recorded_before_a_crash_is_not_recorded_again(tmp_path: Path, hook: dict[str, Any]) -> None:
    saving = [{"checkpoint": {"every": "3 steps"}}]
    result = trained(tmp_path, hook, hooks=saving)
    newest = result.directory / "checkpoints" / "step-00000012"
    (newest / "manifest.json").unlink()  # later rows are measured again
    resumed = registry_core.resume(result.directory)
    assert resumed.summary["resumed_from_step"] == 9
    assert history(hook, "train/loss") == rows(resumed, "train/loss")
    assert len(history(hook, "train/loss")) == 6


def test_a_changed_length_is_a_tag(tmp_path: Path, hook: dict[str, Any]) -> None:
    result = trained(tmp_path, hook, train__epochs=1)
    registry_core.resume(result.directory, registry_core.load(result.directory / "pipeline.json", ["train.epochs=2"]))
    run = only_run(hook)
    assert run.data.params["train.epochs"] == "1"
    assert run.data.tags["registry_core.changed.train.epochs"] == "2"


def test_a_hook_that_comes_with_a_resume_records_what_was_measured_before(tmp_path: Path, hook: dict[str, Any]) -> None:
    result = trained(tmp_path, None, train__epochs=1)
    path = written(tmp_path, hook)
    resumed = registry_core.resume(result.directory, registry_core.load(path))
    assert [step for step, _ in history(hook, "train/loss")] == [2, 4, 6, 8, 10, 12]
    assert history(hook, "train/loss") == rows(resumed, "train/loss")


class Raises:
    """A question that raises an error, which ends the run."""

    @hookimpl
    def should_stop(self) -> str | None:
        raise RuntimeError("out of questions")


class Signals:
    """Requests a stop as a scheduler does; SIGINT is ignored in background jobs of a shell."""

    @hookimpl
    def step_ended(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def hooks_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the two classes above as hooks ``raises`` and ``signals``."""
    from registry_core.catalog import refresh

    info = tmp_path / "site" / "hooks_of_tests-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hooks-of-tests\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[registry_core.v1.hooks]\nraises = {__name__}:Raises\nsignals = {__name__}:Signals\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    refresh()
    yield
    monkeypatch.undo()
    refresh()


@pytest.mark.usefixtures("hooks_of_tests")
def test_a_signal_kills_the_run_and_a_resume_finishes_it(tmp_path: Path, hook: dict[str, Any]) -> None:
    result = trained(tmp_path, hook, hooks=["signals"])
    run = only_run(hook)
    assert run.info.status == "KILLED"
    assert run.data.tags["registry_core.reason"] == "SIGTERM asked the run to stop."
    registry_core.resume(result.directory, registry_core.load(written(tmp_path, hook)))
    assert only_run(hook).info.status == "FINISHED"


@pytest.mark.usefixtures("hooks_of_tests")
def test_an_error_fails_the_run(tmp_path: Path, hook: dict[str, Any]) -> None:
    with pytest.raises(registry_core.RegistryError, match="out of questions"):
        trained(tmp_path, hook, hooks=["raises"])
    assert only_run(hook).info.status == "FAILED"


def test_early_stopping_finishes_the_run(tmp_path: Path, hook: dict[str, Any]) -> None:
    stop = {"early_stopping": {"monitor": "val/accuracy", "patience": 1, "min_delta": 1.0}}
    result = trained(tmp_path, hook, hooks=[stop], train__epochs=5)
    assert result.position.epoch < 5
    run = only_run(hook)
    assert run.info.status == "FINISHED"
    assert run.data.tags["registry_core.reason"] == result.reason
