"""Hooks: order, what an exception does in each kind, mistyped names, and what the built-in ones write."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Ended
from registry_builtin.hooks.run import Jsonl, Progress
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import registry_core
from registry_core.assembly.pipeline import build_hooks
from registry_core.components import Row, hookimpl
from registry_core.components.events import EVENTS, QUESTIONS, Events
from registry_core.diagnostics import BrokenComponent
from registry_core.engine.hooks import Hooks
from registry_core.planning.make import make_plan

ROW = Row(1, 1, {"val/loss": 1.0}, True)


class Noted:
    """Notes its calls in a list that it shares with others."""

    def __init__(self, name: str, calls: list[str], error: Exception | None = None) -> None:
        self.name, self.calls, self.error = name, calls, error

    @hookimpl
    def metrics_measured(self, row: Row) -> None:
        self.calls.append(self.name)
        if self.error:
            raise self.error

    @hookimpl
    def should_stop(self) -> str | None:
        return f"{self.name} says so" if self.error is None else None


def test_hooks_are_called_in_the_order_of_the_file() -> None:
    calls: list[str] = []
    hooks = Hooks([(name, Noted(name, calls)) for name in "abc"])
    hooks.tell("metrics_measured", row=ROW)
    assert calls == ["a", "b", "c"]
    assert hooks.ask("should_stop", row=ROW) == ["a says so", "b says so", "c says so"]


def test_an_observer_that_raises_does_not_stop_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[str] = []
    hooks = Hooks([("a", Noted("a", calls)), ("b", Noted("b", calls, OSError("full"))), ("c", Noted("c", calls))])
    hooks.tell("metrics_measured", row=ROW)
    hooks.tell("metrics_measured", row=ROW)
    assert calls == ["a", "b", "c"] * 2
    assert hooks.errors == ["The hooks[1] b failed in metrics_measured: OSError: full."]
    assert capsys.readouterr().err.count("OSError: full") == 1


def test_a_question_that_raises_ends_the_run() -> None:
    class Raises:
        @hookimpl
        def should_stop(self) -> str:
            raise ValueError("no")

    with pytest.raises(BrokenComponent, match=r"hooks\[0\] x failed in should_stop: ValueError: no"):
        Hooks([("x", Raises())]).ask("should_stop", row=ROW)


class Fails:
    """Fails in one event or question, however hooks are called."""

    def __init__(self, event: str, error: BaseException) -> None:
        def method(*_: Any, **__: Any) -> None:
            raise error

        specification = signature(getattr(Events, event))
        method.__signature__ = specification.replace(  # type: ignore[attr-defined]  # what pluggy looks at
            parameters=[p for name, p in specification.parameters.items() if name != "self"]
        )
        setattr(self, event, hookimpl(method))


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("error", [OSError("full"), SystemExit(0)])
def test_an_observer_that_fails_anywhere_harms_no_run(
    event: str, error: BaseException, pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes to its end, the others are told everything, and the error is noted in the summary."""
    calls: list[str] = []
    monkeypatch.setattr(Jsonl, "build", lambda _: Fails(event, error))
    monkeypatch.setattr(Progress, "build", lambda _: Noted("after", calls))
    result = registry_core.train(registry_core.load(pipeline(hooks=["jsonl", "progress"])), tmp_path / "run")
    assert result.position.step == 6
    assert calls == ["after"]
    (noted,) = result.summary["hook_errors"]
    assert noted.startswith(f"The hooks[0] jsonl failed in {event}: {type(error).__name__}")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(0)])
def test_a_question_that_fails_ends_the_run_and_the_others_hear_of_it(
    question: str, error: BaseException, pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ended:
        @hookimpl
        def run_ended(self, reason: str, ending: str) -> None:
            reasons.append(f"{ending}: {reason}")

    reasons: list[str] = []
    monkeypatch.setattr(Jsonl, "build", lambda _: Fails(question, error))
    monkeypatch.setattr(Progress, "build", lambda _: Ended())
    with pytest.raises(BrokenComponent, match=rf"hooks\[0\] jsonl failed in {question}: {type(error).__name__}"):
        registry_core.train(registry_core.load(pipeline(hooks=["jsonl", "progress"])), tmp_path / "run")
    assert reasons == ["failed: An error ended the run."]


def test_hooks_run_where_they_declare(pipeline: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first process all of them, in the others those that say so."""
    spec = registry_core.load(pipeline(hooks=["jsonl", "progress"]))
    monkeypatch.setattr(Progress, "processes", "all")
    model = torch.nn.Linear(1, 1)
    assert [name for name, _ in build_hooks(make_plan(spec), model)] == ["jsonl", "progress"]
    monkeypatch.setenv("RANK", "1")
    assert [name for name, _ in build_hooks(make_plan(spec), model)] == ["progress"]


def test_a_mistyped_event_fails_before_the_training(
    pipeline: Callable[..., Path], tmp_path: Path, distribution: Callable[..., Path], command: Callable[..., Ended]
) -> None:
    text = "from registry_core.components import hookimpl\nclass Typo:\n    @hookimpl\n    def step_endde(self): ...\n"
    distribution("acme", "[registry_core.v1.hooks]\ntypo = acme_typo:Typo\n", modules={"acme_typo": text})
    ended = command("train", pipeline(hooks=["typo"]), "--out", tmp_path / "run")
    assert ended.code == 3
    assert "step_endde" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_mistyped_events_and_arguments_are_found_before_the_run() -> None:
    class Mistyped:
        @hookimpl
        def step_endde(self, step: Any) -> None: ...

    class Wrong:
        @hookimpl
        def step_ended(self, stepp: Any) -> None: ...

    for hook in (Mistyped(), Wrong()):
        with pytest.raises(BrokenComponent, match="step"):
            Hooks([("x", hook)])


def test_an_event_without_listeners_is_known() -> None:
    hooks = Hooks([("a", Noted("a", []))])
    assert hooks.listened("metrics_measured")
    assert not hooks.listened("step_ended")


def scalars(run: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard's own reader finds."""
    reader = EventAccumulator(str(run / "tensorboard")).Reload()
    return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


@pytest.mark.covers("hook/tensorboard", reference="TensorBoard's reader")
def test_tensorboard_has_every_metric(run: Callable[..., Any]) -> None:
    result = run(hooks=["tensorboard"], train={"epochs": 3})
    rows = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    found = scalars(result.directory)
    assert set(found) == {"train/loss", "val/loss", "val/accuracy", "lr"}
    for tag, values in found.items():
        assert [step for step, _ in values] == [row["step"] for row in rows]
        assert [value for _, value in values] == pytest.approx([row[tag] for row in rows])


def test_a_resumed_run_stands_once_in_tensorboard(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    hooks = ["tensorboard", {"checkpoint": {"every": "2 epochs", "keep": 5}}]
    result = registry_core.train(registry_core.load(pipeline(hooks=hooks, train={"epochs": 3})), out)
    latest = sorted((out / "checkpoints").glob("step-*"))[-1]
    shutil.rmtree(latest)  # as if the run had been killed after its last checkpoint
    registry_core.resume(out)
    steps = [step for step, _ in scalars(out)["train/loss"]]
    assert steps == [6, 12, 18]
    assert result.position.step == 18


@pytest.mark.covers("hook/jsonl", reference="the run's steps, counted")
def test_steps_are_written_once_each(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    hooks = [{"jsonl": {"every": "2 steps"}}, {"checkpoint": {"every": "4 steps", "keep": 9}}]
    registry_core.train(registry_core.load(pipeline(hooks=hooks, train={"epochs": 2})), out)
    before = (out / "steps.jsonl").read_text()
    lines = [json.loads(line) for line in before.splitlines()]
    assert [(line["step"], line["epoch"]) for line in lines] == [(2, 1), (4, 1), (6, 1), (8, 2), (10, 2), (12, 2)]
    shutil.rmtree(out / "checkpoints" / "step-00000012")
    registry_core.resume(out)
    assert (out / "steps.jsonl").read_text() == before


@pytest.mark.covers("hook/early_stopping", reference="epochs counted by hand")
def test_early_stopping_waits_for_its_patience(run: Callable[..., Any]) -> None:
    stopping = {"early_stopping": {"monitor": "val/loss", "patience": 2, "min_delta": 100.0}}
    result = run(hooks=[stopping], train={"epochs": 10})
    assert result.position.epoch == 3
    assert "early_stopping" in result.reason


@pytest.mark.covers("hook/checkpoint", reference="the best row of metrics.jsonl")
def test_checkpoints_are_kept_and_the_best_is_known(run: Callable[..., Any]) -> None:
    result = run(hooks=[{"checkpoint": {"every": "1 epoch", "keep": 2, "best": "val/accuracy"}}], train={"epochs": 6})
    folder = result.directory / "checkpoints"
    best_step = result.summary["metrics"]["val/accuracy"]["best_step"]
    assert (folder / "best").read_text() == f"step-{best_step:08d}"
    kept = {int(path.name.removeprefix("step-")) for path in folder.glob("step-*")}
    assert kept == {30, 36, best_step}


@pytest.mark.covers("hook/progress", reference="the rows of the run")
def test_progress_prints_rows_where_there_is_no_terminal(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    ended = command("train", pipeline(hooks=["progress"], train={"epochs": 2}), "--out", tmp_path / "run")
    assert ended.code == 0
    assert "epoch 2/2" in ended.err
    assert "val/accuracy" in ended.err


def test_a_failing_observer_makes_the_command_exit_with_3(
    command: Callable[..., Ended], pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path
) -> None:
    text = (
        "from registry_core.components import hookimpl\n"
        "class Full:\n    @hookimpl\n    def metrics_measured(self, row):\n        raise OSError('disk full')\n"
    )
    distribution("acme", "[registry_core.v1.hooks]\nfull = acme_full:Full\n", modules={"acme_full": text})
    ended = command("train", pipeline(hooks=["full"]), "--out", tmp_path / "run")
    assert ended.code == 3
    assert "disk full" in ended.err
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["hook_errors"]


def test_hooks_remember_over_a_resume(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """Waiting goes on where it was, and the best checkpoint is not forgotten."""
    hooks = [
        {"early_stopping": {"monitor": "val/loss", "patience": 4, "min_delta": 100.0}},
        {"checkpoint": {"every": "1 epoch", "keep": 9, "best": "val/loss"}},
    ]
    path = pipeline(hooks=hooks, train={"epochs": 10})
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    assert whole.position.epoch == 5
    out = tmp_path / "parted"
    shutil.copytree(tmp_path / "whole", out)
    for epoch in (4, 5):
        shutil.rmtree(out / "checkpoints" / f"step-{epoch * 6:08d}")
    (out / "checkpoints" / "best").unlink()
    resumed = registry_core.resume(out)
    assert (resumed.position.epoch, resumed.reason) == (5, whole.reason)
    assert (out / "checkpoints" / "best").read_text() == (tmp_path / "whole" / "checkpoints" / "best").read_text()


def test_what_a_log_cannot_write_waits_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills in the middle of a line leaves none of it in the file, and all of it for a checkpoint."""
    from registry_core.components.run_files import AppendedFile

    log = AppendedFile(tmp_path / "log")
    log.write(b"first\n")
    log.flush()
    write = os.write
    parts = iter([3])

    def fills(descriptor: int, data: Any) -> int:
        for length in parts:
            return write(descriptor, bytes(data)[:length])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", fills)
    log.write(b"second\n")
    with pytest.raises(OSError, match="No space"):
        log.flush()
    monkeypatch.undo()
    assert (tmp_path / "log").read_bytes() == b"first\n"
    with pytest.raises(OSError, match="No space"):
        log.sync()
    assert (tmp_path / "log").read_bytes() == b"first\n", "the run that is resumed writes it"
    assert log.waiting == b"second\n"
    log.forget()
    log.write(b"third\n")
    log.sync()
    assert (tmp_path / "log").read_bytes() == b"first\nthird\n"
