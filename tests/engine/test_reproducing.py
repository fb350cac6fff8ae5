"""A run is repeated up to its newest intact checkpoint, and the first difference is found."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoints import reseal
from conftest import Ended
from safetensors.torch import load_file, save_file

import registry_core
from registry_core.diagnostics import CheckpointError, PipelineError, RunError
from registry_core.engine.comparing import first_of_rows, first_of_weights
from registry_core.engine.reproducing import Reproduction, reproduce

CPU = {"epochs": 2, "device": "cpu", "log_every": "2 steps"}

ENDING = """
import os
from registry_core.components import hookimpl


class Ending:
    def __init__(self, at: int = 8, number: int = 15):
        self.at, self.number = at, number

    @hookimpl
    def step_ended(self, step):
        if step.position.step == self.at and not os.environ.get("ENDING_OFF"):
            os.kill(os.getpid(), self.number)


REGISTRY_CORE = {"hook/ending": Ending}
"""
"""A hook that interrupts or kills the run."""


def trained(pipeline: Callable[..., Path], out: Path, **changes: Any) -> Path:
    """The directory of a run of ``CPU``."""
    changes = {"train": CPU, **changes}
    return registry_core.train(registry_core.load(pipeline(name=f"of-{out.name}", **changes)), out).directory


def repeated(run: Path, *overrides: str) -> tuple[Reproduction, list[str]]:
    """The reproduction of a run, and what was told before it."""
    told: list[str] = []
    return reproduce(run, run.parent / "again", overrides=overrides, tell=told.append), told


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_session: None) -> Iterator[Callable[..., int]]:
    """Train a pipeline with the hook ``ending`` in another process; local modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "ending.py").write_text(ENDING)

    def train(*arguments: object) -> int:
        command = [sys.executable, "-m", "registry_core", "train", "-p", "ending", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    yield train
    for module in ("ending", "scaling"):
        sys.modules.pop(module, None)


def test_a_finished_run(pipeline: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(pipeline, tmp_path / "run-1")
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    found = reproduce("run-1", tell=told.append)
    assert found.is_equal
    assert (found.step, found.rows, found.tensors, found.difference, told) == (12, 6, 4, None, [])
    assert found.directory == Path("runs/run-1-again-1")
    assert (found.directory / "metrics.jsonl").read_text() == (run / "metrics.jsonl").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_cut_short(
    pipeline: Callable[..., Path],
    tmp_path: Path,
    ending: Callable[..., int],
    command: Callable[..., Ended],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    """An interruption leaves a checkpoint that was not evaluated, and a kill rows after the last one."""
    hooks = [{"ending": {"at": 9, "number": int(number)}}, {"checkpoint": {"every": "5 steps"}}]
    file = pipeline(train={**CPU, "epochs": 3}, hooks=hooks)
    assert ending(file, "--out", tmp_path / "run") in (143, -9)
    step = 9 if number == signal.SIGTERM else 5
    monkeypatch.setenv("ENDING_OFF", "1")
    ended = command("reproduce", tmp_path / "run", "--out", tmp_path / "again", "-p", "ending", "--json")
    assert ended.code == 0, ended
    found = json.loads(ended.out)
    assert (found["step"], found["is_equal"], found["difference"]) == (step, True, None)
    assert found["rows"] == sum(row["step"] <= step for row in rows(tmp_path / "run"))


def test_a_repeat_that_is_interrupted(
    pipeline: Callable[..., Path], tmp_path: Path, ending: Callable[..., int], command: Callable[..., Ended]
) -> None:
    file = pipeline(train=CPU, hooks=[{"ending": {"at": 9}}])
    assert ending(file, "--out", tmp_path / "run") == 143
    assert ending("--resume", tmp_path / "run") == 0
    ended = command("reproduce", tmp_path / "run", "--out", tmp_path / "again", "-p", "ending")
    assert ended.code == 143
    assert "The repeat was interrupted, and nothing was compared." in ended.out


def rows(run: Path) -> list[dict[str, Any]]:
    """The rows of a run."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_that_was_extended(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """It had evaluated its last step, which a longer run does not evaluate."""
    train = {**CPU, "max_steps": 4, "evaluate_every": "5 steps"}
    run = trained(pipeline, tmp_path / "run", train=train)
    for steps in (7, 11):
        longer = pipeline(name="longer", train={**train, "max_steps": steps})
        registry_core.resume(run, registry_core.load(longer))
    assert [row["step"] for row in rows(run) if "val/loss" in row] == [4, 5, 7, 10, 11]
    found, told = repeated(run)
    assert found.is_equal, found.difference
    assert (found.step, told) == (11, [])


def test_a_resume_with_other_rows_is_told_before(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    other = pipeline(name="other", train={**CPU, "epochs": 3, "log_every": "1 step"})
    registry_core.resume(run, registry_core.load(other))
    found, told = repeated(run)
    assert told == ["train.log_every changed at step 12, so equality is not promised."]
    assert found.doubts == tuple(told)
    assert found.difference is not None
    assert "row of step 1" in found.difference.message


def test_an_edited_row(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    edited = rows(run)
    true = edited[2]["train/loss"]
    edited[2]["train/loss"] = 0.5
    edited[3]["lr"] = 0.5
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in edited))
    found, _ = repeated(run)
    difference = found.difference
    assert difference is not None
    assert (difference.step, difference.name) == (edited[2]["step"], "train/loss")
    assert (difference.run, difference.repeat) == ("0.5", repr(true))
    assert f"row of step {edited[2]['step']}: train/loss was 0.5, and is {true!r}" in difference.message


def test_weights_that_are_not_those_of_the_run(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    (at,) = (run / "checkpoints").glob("step-*")
    tensors = load_file(at / "model.safetensors")
    name = sorted(tensors)[1]
    before = tensors[name].view(-1)[0].clone()
    tensors[name].view(-1)[0] += 0.25
    save_file(tensors, at / "model.safetensors")
    reseal(at)
    found, _ = repeated(run)
    assert found.difference is not None
    assert (found.difference.name, found.difference.step) == (name, 12)
    assert found.difference.largest == (tensors[name].view(-1)[0].double() - before.double()).abs().item()


PLUGIN = """
from torch import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.loss = nn.CrossEntropyLoss()

    def forward(self, output, target):
        return self.loss(output, target) * {factor}


REGISTRY_CORE = {{"loss/scaled": Scaled}}
"""


def test_a_plugin_that_changed(
    pipeline: Callable[..., Path], tmp_path: Path, ending: Callable[..., int], command: Callable[..., Ended]
) -> None:
    (tmp_path / "scaling.py").write_text(PLUGIN.format(factor=1.0))
    assert ending(pipeline(train=CPU, loss="scaled"), "--out", tmp_path / "run", "-p", "scaling") == 0
    (tmp_path / "scaling.py").write_text(PLUGIN.format(factor=1.5))
    ended = command("reproduce", tmp_path / "run", "--out", tmp_path / "again", "-p", "scaling")
    assert ended.code == 1, ended
    assert "scaling (scaling.py) is not as it was" in ended.out
    assert re.search(r"The first difference is in the row of step 2: train/loss was \S+, and is \S+ in the", ended.out)


def test_another_environment_is_told_before(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    facts = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps({**facts, "torch": "1.0", "platform": "elsewhere"}))
    found, told = repeated(run)
    assert told == [f"torch was 1.0, and is {torch.__version__} here: bits may differ."]
    assert found.is_equal


def test_what_cannot_be_repeated(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    (at,) = (run / "checkpoints").glob("step-*")
    child = registry_core.resume(at, out=tmp_path / "child").directory
    with pytest.raises(RunError, match=re.escape(str(at))):
        reproduce(child, tmp_path / "again")
    with pytest.raises(RunError, match=r"is a checkpoint, and only a run is repeated\. Name its run"):
        reproduce(at, tmp_path / "again")
    with pytest.raises(RunError, match="not a run directory"):
        reproduce(tmp_path, tmp_path / "again")
    for override in ("train.log_every=1 step", "train.epochs=1", "hooks=[progress]", "data.batch_size=3"):
        with pytest.raises(RunError, match=f"{override.partition('=')[0]} cannot be set here"):
            reproduce(run, tmp_path / "again", overrides=[override])
    with pytest.raises(PipelineError):
        reproduce(run, tmp_path / "again", overrides=["train.epoch=1"])
    pipeline_json = json.loads((run / "pipeline.json").read_text())
    pipeline_json["data"]["batch_size"] = 3
    (run / "pipeline.json").write_text(json.dumps(pipeline_json))
    with pytest.raises(RunError, match="was edited"):
        reproduce(run, tmp_path / "again")
    (at / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="no intact checkpoint"):
        reproduce(run, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_loading_may_be_set(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    found, _ = repeated(run, "data.workers=1")
    assert found.is_equal


def test_a_fine_tuned_run_needs_its_weights(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    parent = trained(pipeline, tmp_path / "parent")
    run = trained(pipeline, tmp_path / "run", finetune={"weights": str(parent)})
    found, _ = repeated(run)
    assert found.is_equal
    parent.rename(tmp_path / "moved")
    with pytest.raises(PipelineError, match="parent"):
        reproduce(run, tmp_path / "more")
    assert reproduce(run, tmp_path / "more", overrides=[f"finetune.weights={tmp_path / 'moved'}"]).is_equal


def test_a_damaged_changes_file_says_nothing_wrong(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    run = trained(pipeline, tmp_path / "run")
    lines = [{"step": 1, "pipeline": {"train.epochs": "x", "train.max_steps": [{}, 1]}}, {"step": 2, "pipeline": 3}]
    (run / "changes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert repeated(run)[0].is_equal


def test_differences_of_rows() -> None:
    one, two = {"step": 1, "a": 0.0}, {"step": 2, "a": None}
    assert first_of_rows([one, two], [dict(one), dict(two)]) is None
    for there, here, words in (
        ([one, two], [one], "The run has a row of step 2, which the repeat lacks."),
        ([two], [one, two], "The repeat has a row of step 1, which the run lacks."),
        ([one], [{"step": 1, "a": -0.0}], "a was 0.0, and is -0.0 in the repeat"),
        ([two], [{"step": 2, "a": 0.5}], "a was None, and is 0.5 in the repeat"),
        ([one], [{"step": 1}], "the run has a, which the repeat lacks"),
        ([one], [{**one, "b": 1}], "the repeat has b, which the run lacks"),
    ):
        found = first_of_rows(there, here)
        assert found is not None
        assert words in found.message


def test_differences_of_weights() -> None:
    def difference(there: Any, here: Any) -> Any:
        return first_of_weights(3, {"model": {"w": there}}, {"model": {"w": here}})

    one = torch.tensor([1.0, 0.0])
    for value in (one, one.bfloat16(), one.to_sparse(), one + 1j, one.bool(), torch.tensor(2.0), {"extra": [1, one]}):
        assert difference(value, value.clone() if isinstance(value, torch.Tensor) else value) is None
    assert difference(one, torch.tensor([1.0, -0.0])).largest == 0.0
    assert difference(one, torch.tensor([1.0, 0.5])).largest == 0.5
    assert difference(one.to_sparse(), torch.tensor([1.5, 0.0]).to_sparse()).largest == 0.5
    assert "float32 of shape (2,), and is float64 of shape (2,)" in difference(one, one.double()).message
    assert "float32 of shape (2,), and is float32 of shape (1,)" in difference(one, one[:1]).message
    assert "'w' at step 3" in difference({"extra": 1}, {"extra": 2}).message
    lacking = first_of_weights(3, {"model": {}, "loss": {"v": one}}, {"model": {}})
    assert lacking is not None
    assert lacking.message == "The run has a tensor 'loss/v' at step 3, which the repeat lacks."
