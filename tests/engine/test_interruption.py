"""A stop request at any moment, also in an evaluation, and errors that end a run, change no bit of the resumed run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import changed, distributions
from reliability.outcome import differences, outcome

import registry_core
from registry_core import load
from registry_core.config.run_layout import pointed
from registry_core.diagnostics import CheckpointError, RunError
from registry_core.diagnostics.stop_signals import Requests
from registry_core.engine.checkpoint.store import load_checkpoint
from registry_core.engine.signals import stop_on_signal

HOOKS = '''
import os
import signal
import time

from registry_core.components import hookimpl


class Interrupting:
    """Sends this process signals at the ``at``-th event of its kind."""

    def __init__(self, event: str, at: int = 1, signals: int = 1, name: str = "SIGTERM"):
        self.event, self.at, self.signals, self.name = event, at, signals, name
        self.seen = 0

    def happens(self, event):
        self.seen += event == self.event
        if event == self.event and self.seen == self.at:
            for number in range(self.signals):
                time.sleep(0.2 if number else 0)
                os.kill(os.getpid(), getattr(signal, self.name))

    @hookimpl
    def run_started(self):
        self.happens("run_started")

    @hookimpl
    def step_ended(self):
        self.happens("step_ended")

    @hookimpl
    def batch_evaluated(self):
        self.happens("batch_evaluated")

    @hookimpl
    def metrics_measured(self):
        self.happens("metrics_measured")

    @hookimpl
    def should_save(self):
        self.happens("should_save")

    @hookimpl
    def checkpoint_saved(self):
        self.happens("checkpoint_saved")

    @hookimpl
    def run_ended(self):
        self.happens("run_ended")
'''

METRIC = '''
import os

import torch
from torchmetrics import Metric


class Failing(Metric):
    """The mean of the outputs; it fails at its ``at``-th update while the variable FAILING is set."""

    def __init__(self, at: int = 1):
        super().__init__()
        self.at, self.seen = at, 0
        self.add_state("sum", torch.zeros(()))

    def update(self, output, target):
        self.seen += 1
        if "FAILING" in os.environ and self.seen == self.at:
            raise ValueError("it fails")
        self.sum += output.mean()

    def compute(self):
        return self.sum
'''

POINTS = """
[registry_core.v1.hooks]
interrupting = acme_interrupting:Interrupting
[registry_core.v1.metrics]
failing = acme_failing:Failing
"""

WHOLE = [
    {"checkpoint": {"every": "5 steps", "keep": 2, "best": "val/loss"}},
    {"early_stopping": {"monitor": "val/loss", "patience": 50}},
    "jsonl",
]


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    modules = {"acme_interrupting": HOOKS, "acme_failing": METRIC}
    with distributions(tmp_path_factory.mktemp("acme")) as make:
        make("acme", POINTS, modules=modules)
        yield


def written(folder: Path, hooks: list[Any], **changes: Any) -> Path:
    """A pipeline with all that remembers evaluations: evaluations at steps 4, 8, … and at the last step, 18."""
    settings: dict[str, Any] = {
        "data__batch_size": 64,
        "optim": {
            "optimizer": {"adam": {"lr": 0.01}},
            "scheduler": {"reduce_on_plateau": {"monitor": "val/loss", "patience": 0, "threshold": 0.5}},
        },
        "train": {
            "epochs": 6,
            "device": "cpu",
            "accumulate": 2,
            "ema": {"decay": 0.9},
            "evaluate_every": "4 steps",
            "log_every": "3 steps",
        },
        **changes,
    }
    path = folder / "pipeline.json"
    path.write_text(json.dumps(changed(**settings, hooks=hooks)))
    return path


@pytest.fixture(scope="module")
def whole(acme: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A pipeline, and the outcome of its run."""
    folder = tmp_path_factory.mktemp("whole")
    path = written(folder, WHOLE)
    registry_core.train(load(path), folder / "run")
    return path, outcome(folder / "run")


def interrupted(folder: Path, **options: Any) -> Any:
    """The result of a run that sends itself signals."""
    return registry_core.train(load(written(folder, [{"interrupting": options}, *WHOLE])), folder / "run")


def latest(run: Path) -> dict[str, Any]:
    checkpoint = pointed(run / "checkpoints", "latest")
    assert checkpoint is not None
    return load_checkpoint(checkpoint).state


@pytest.mark.parametrize("at", [1, 3, 6, 7, 19, 25, 30])
def test_an_evaluation_ends_at_its_next_batch_and_is_made_again(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, at: int
) -> None:
    """Six batches an evaluation; the last one is made only because the run ends."""
    path, expected = whole
    result = interrupted(tmp_path, event="batch_evaluated", at=at)
    step = (4, 8, 12, 16, 18)[(at - 1) // 6]
    assert (result.position.step, result.signal) == (step, signal.SIGTERM)
    state = latest(tmp_path / "run")
    assert (state["position"]["step"], state["row_is_due"]) == (step, True)
    assert [row["step"] for row in outcome(tmp_path / "run")["rows"]][-1:] != [step], "nothing of it is written"
    registry_core.resume(tmp_path / "run", load(path))
    assert differences(expected, outcome(tmp_path / "run")) == []


def test_one_evaluation_may_be_stopped_again_and_again(whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    path, expected = whole
    interrupted(tmp_path, event="batch_evaluated", at=8)
    for at in (1, 4, 2):
        again = load(path, [f"hooks+={{interrupting: {{event: batch_evaluated, at: {at}}}}}"])
        assert registry_core.resume(tmp_path / "run", again).position.step == 8
    registry_core.resume(tmp_path / "run", load(path))
    assert differences(expected, outcome(tmp_path / "run")) == []


@pytest.mark.parametrize("event", ["run_started", "step_ended", "metrics_measured", "should_save", "checkpoint_saved"])
def test_a_signal_at_any_event(whole: tuple[Path, dict[str, Any]], tmp_path: Path, event: str) -> None:
    path, expected = whole
    for at in (1,) if event == "run_started" else (1, 3):
        folder = tmp_path / str(at)
        folder.mkdir()
        result = interrupted(folder, event=event, at=at)
        assert result.reason == "SIGTERM asked the run to stop."
        assert latest(folder / "run")["position"]["step"] == result.position.step
        assert (result.position.step == 0) == (event == "run_started")
        registry_core.resume(folder / "run", load(path))
        assert differences(expected, outcome(folder / "run")) == []


def test_a_signal_after_the_last_step_changes_nothing(whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    result = interrupted(tmp_path, event="run_ended")
    assert (result.reason, result.signal) == ("All steps are done.", signal.SIGTERM)
    assert result.position.step == 18


def test_a_second_signal_does_what_it_did_before(acme: None, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path, event="step_ended", at=2, signals=2, name="SIGINT")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("at", [1, 9, 27])
def test_an_error_in_an_evaluation_loses_no_step(
    acme: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    """What failed is repaired, and the run goes on from the step before, as if nothing had happened."""
    metric: dict[str, Any] = {"metrics": [{"failing": {"at": at}}]}
    path = written(tmp_path, WHOLE, **metric)
    registry_core.train(load(path), tmp_path / "whole")
    monkeypatch.setenv("FAILING", "1")
    with pytest.raises(RunError, match="it fails"):  # it fails once, and not when it is looked at again
        registry_core.train(load(path), tmp_path / "run")
    step = (4, 8, 12, 16, 18)[(at - 1) // 6]
    assert f"Step {step} is saved" in capsys.readouterr().err
    monkeypatch.delenv("FAILING")
    assert registry_core.resume(tmp_path / "run").summary["resumed_from_step"] == step
    assert differences(outcome(tmp_path / "whole"), outcome(tmp_path / "run")) == []


def test_signals_of_a_forked_process_are_not_those_of_the_run() -> None:
    with stop_on_signal() as request:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        time.sleep(0.1)
        os.kill(child, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    assert request.signal is None


def test_ignored_signals_stay_ignored() -> None:
    handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signal() as request:
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGUSR1)
        assert request.signal == signal.SIGUSR1
    finally:
        signal.signal(signal.SIGHUP, handler)


def test_the_kernel_repeats_one_signal_by_itself() -> None:
    requests = Requests()
    assert not requests.is_second(signal.SIGXCPU)
    time.sleep(0.15)
    assert not requests.is_second(signal.SIGXCPU)
    assert requests.is_second(signal.SIGTERM)


def test_processes_that_cannot_start(
    pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    fork = os.fork

    def second_fails() -> int:
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(fork())
        return started[-1]

    monkeypatch.setattr(os, "fork", second_fails)
    message = (
        "The 2 loader processes of data.train cannot start: BlockingIOError: .*temporarily unavailable.* Use fewer"
    )
    with pytest.raises(RunError, match=message):
        registry_core.train(load(pipeline(data__workers=2)), tmp_path / "run")
    with pytest.raises(ChildProcessError):
        os.waitpid(started[0], 0)  # it was ended and waited for


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(
    pipeline: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rows, steps and charts are there already, and are made again."""
    path = pipeline(train={"epochs": 2, "device": "cpu", "log_every": "1 steps"}, hooks=["jsonl", "tensorboard"])
    run = registry_core.train(load(path), tmp_path / "run").directory
    whole = outcome(run)
    (run / "summary.json").unlink()
    shutil.rmtree(run / "checkpoints")
    registry_core.resume(run)
    assert differences(whole, outcome(run)) == []
    assert capsys.readouterr().err.count("so it starts from its first step") == 1


def test_a_run_that_ended_does_not_start_again_without_its_checkpoints(
    pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    run = registry_core.train(load(pipeline()), tmp_path / "run").directory
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        registry_core.resume(run)


def test_a_run_that_continues_another_does_not_start_from_the_first_step(
    pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    run = registry_core.train(load(pipeline()), tmp_path / "run").directory
    other = registry_core.resume(run, out=tmp_path / "other").directory
    (other / "summary.json").unlink()
    shutil.rmtree(other / "checkpoints")
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        registry_core.resume(other)


def test_what_a_kill_leaves_of_a_file_blocks_no_start(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "lock").touch()
    left = run / ".pipeline.json.0123456789abcdef.tmp"
    left.write_text("{")
    registry_core.train(load(pipeline()), run)
    registry_core.resume(run)
    assert not left.exists()
