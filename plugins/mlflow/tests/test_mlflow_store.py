"""Servers, limits of names and values, and mistakes of users."""

# A test's name says what it shows.
from __future__ import annotations

import copy
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from registry_core.components import Row, Run
from registry_core.components.events import Position
from registry_core.registry import registries

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow and its dependencies raise unrelated warnings


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def described(folder: Path, pipeline: dict[str, Any] | None = None, step: int = 0) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    return Run(folder, 1, 10, 10, Position(step=step), pipeline=pipeline or {"seed": 0})


def client(uri: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start an MLflow server."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", "sqlite:///server.db"],
            cwd=folder,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        for _ in range(600):
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # including its workers
        process.wait()


def test_a_server_gets_the_run_and_stdout_gets_nothing(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = {"a": {"long": "x" * 10_000, "list": list(range(3000)), "text": "ü"}, "seed": 3}
    hook: Any = registries.hooks["mlflow"](tracking_uri=server, experiment="served").build()
    hook.run_started(described(tmp_path / "run", pipeline))
    hook.metrics_measured(Row(1, 1, {"top@5 %": 0.5, "val/x": float("inf")}, False))
    hook.run_ended("All steps are done.", "finished")
    assert capsys.readouterr().out == ""
    run = client(server).get_run(hook.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["a.text"] == "ü"
    assert (len(run.data.params["a.long"]), run.data.params["a.long"][-1]) == (6000, "…")
    assert len(run.data.params["a.list"]) == 6000
    assert hook.state_dict() == {"run_id": hook.run_id, "store": None}
    (name,) = [name for name in run.data.metrics if name.startswith("top_5 _-")]
    assert run.data.metrics[name] == 0.5


def test_more_parameters_than_one_call_takes(server: str, tmp_path: Path) -> None:
    pipeline = {f"part{n}": {"x" * 300: n, "same//name": 1, "same_/name": 2} for n in range(60)}
    hook: Any = registries.hooks["mlflow"](tracking_uri=server).build()
    hook.run_started(described(tmp_path / "run", pipeline))
    params = client(server).get_run(hook.run_id).data.params
    assert len(params) == 180
    assert max(map(len, params)) == 250


def test_a_server_that_cannot_be_reached_is_reported_and_gets_all_later(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from registry_core_mlflow.objects import recording

    nobody = f"http://me:secret@127.0.0.1:{free_port()}"
    hook: Any = registries.hooks["mlflow"](tracking_uri=nobody).build()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(recording.NotRecorded, match="MLflow could not record the run") as caught:
        hook.run_started(described(tmp_path / "run"))
    assert "secret" not in str(caught.value)
    hook.metrics_measured(Row(1, 1, {"train/loss": 1.0}, False))  # no attempt for a while
    hook.tracking_uri = server
    monkeypatch.setattr(recording, "PAUSE", 0.0)
    hook.next_try = 0.0
    hook.metrics_measured(Row(2, 1, {"train/loss": 0.5}, False))
    found = client(server).get_metric_history(hook.run_id, "train/loss")
    assert [(each.step, each.value) for each in found] == [(1, 1.0), (2, 0.5)]


def test_what_a_call_recorded_before_it_failed_is_not_recorded_twice(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    hook: Any = registries.hooks["mlflow"](tracking_uri=server).build()
    hook.run_started(described(tmp_path / "run"))
    whole = MlflowClient.log_batch

    def answer_is_lost(self: Any, *arguments: Any, **more: Any) -> None:
        whole(self, *arguments, **more)
        raise ConnectionError("the answer is lost")

    monkeypatch.setattr(MlflowClient, "log_batch", answer_is_lost)
    with pytest.raises(Exception, match="the answer is lost"):
        hook.metrics_measured(Row(1, 1, {"train/loss": 1.0}, False))
    monkeypatch.setattr(MlflowClient, "log_batch", whole)
    hook.run_ended("All steps are done.", "finished")
    found = client(server).get_metric_history(hook.run_id, "train/loss")
    assert [(each.step, each.value) for each in found] == [(1, 1.0)]


def test_a_run_that_the_store_lost_begins_anew(server: str, tmp_path: Path) -> None:
    hook: Any = registries.hooks["mlflow"](tracking_uri=server).build()
    hook.load_state_dict({"run_id": "0" * 32, "store": None})
    hook.run_started(described(tmp_path / "run", step=3))
    tags = client(server).get_run(hook.run_id).data.tags
    assert tags["registry_core.resumed_from_step"] == "3"


def test_a_run_in_the_pipeline_survives_without_its_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    import registry_core

    section = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}
    data: dict[str, Any] = {
        "version": 1,
        "data": {"train": section, "batch_size": 64},
        "model": {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}},
        "loss": "cross_entropy",
        "optim": {"optimizer": "sgd"},
        "train": {"epochs": 1, "device": "cpu"},
    }
    watched = copy.deepcopy(data)
    watched["hooks"] = [{"mlflow": {"tracking_uri": f"http://127.0.0.1:{free_port()}"}}]
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(watched), encoding="utf-8")
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    assert result.position.epoch == 1
    failed = f"hooks[0] mlflow of registry-core-mlflow {version('registry-core-mlflow')} failed in run_started"
    assert f"{failed}: NotRecorded: MLflow could not" in result.summary["hook_errors"][0]
    assert failed in capsys.readouterr().err


def test_the_default_store_is_a_database_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry_core_mlflow.objects.store import store_uri

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_uri(None, None) == f"sqlite:///{tmp_path}/mlflow.db"
    assert store_uri(None, "sqlite:////before.db") == "sqlite:////before.db"
    assert store_uri("https://here", "sqlite:////before.db") == "https://here"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://everywhere")
    assert store_uri(None, None) == "https://everywhere"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"tracking_uri": "mlruns"}, "'mlruns' is neither the address of a server nor a database"),
        ({"tracking_uri": "file:///some/mlruns"}, "MLflow no longer stores new runs in folders of files"),
        ({"tracking_uri": "sqlite:///:memory:"}, "an in-memory database is lost"),
        ({"tags": {"registry_core.reason": "x"}}, "the hook sets the tags"),
        ({"tags": {"a#b": "x"}}, "'a#b' is not a valid tag"),
        ({"tags": {"a": "x" * 9000}}, "has 9000 characters"),
        ({"experiment": ""}, "at least 1 character"),
        ({"experimnt": "a"}, "Extra inputs"),
    ],
)
def test_mistakes_are_said_before_the_run(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        registries.hooks["mlflow"](**parameters)


def test_a_relative_database_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    declared: Any = registries.hooks["mlflow"](tracking_uri="sqlite:///runs.db")
    assert declared.tracking_uri == f"sqlite:///{tmp_path}/runs.db"


def test_declaring_imports_no_mlflow() -> None:
    code = (
        "import sys\n"
        "from registry_core.registry import registries\n"
        "registries.hooks['mlflow'](tags={'a': 'b'})\n"
        "print([name for name in ('torch', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
