"""The same bits for any number of loader workers, and after an interruption at any step."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import changed, distributions

import registry_core
from registry_core.config.run_layout import pointed
from registry_core.engine.checkpoint.store import load_checkpoint

RANDOM = [
    {"random_crop": {"size": 8, "padding": 1}},
    {"random_resized_crop": {"size": 8, "scale": [0.5, 1.0]}},
    "random_horizontal_flip",
    "noisy",
    "to_tensor",
    "jittered",
]
"""Transforms with random numbers by counter, and two plain ones that draw from the global generators."""

PLUGIN = '''
import random

import numpy as np
import torch
from torch import nn


class Noisy:
    """Draws from Python's and NumPy's global generators."""

    def __call__(self, image):
        shift = random.randrange(4) + int(np.random.randint(4))
        return image.point(lambda value: min(255, value + shift))


class Jittered:
    """Draws from torch's global generator."""

    def __call__(self, image):
        return image + 0.05 * torch.randn(image.shape)


class Forgetful(nn.Module):
    """A model with dropout: it draws from torch's global generator while it trains."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(64, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.3), nn.Linear(width, 10)
        )

    def forward(self, x):
        return self.layers(x)

'''

HOOKS = '''
import os
import pickle
import signal

from registry_core.components import hookimpl


class Preempted:
    """Sends this process SIGTERM when a step ends."""

    def __init__(self, after: int = 0):
        self.after = after

    @hookimpl
    def step_ended(self, step):
        if step.position.step == self.after:
            os.kill(os.getpid(), signal.SIGTERM)


class Killed:
    """Kills this process, which no handler can see."""

    def __init__(self, after: int = 0):
        self.after = after

    @hookimpl
    def step_ended(self, step):
        if step.position.step == self.after:
            os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    entry_points = (
        "[registry_core.v1.transforms]\nnoisy = acme_random:Noisy\njittered = acme_random:Jittered\n"
        "[registry_core.v1.models]\nforgetful = acme_random:Forgetful\n"
        "[registry_core.v1.hooks]\npreempted = acme_hooks:Preempted\nkilled = acme_hooks:Killed\n"
    )
    with distributions(tmp_path_factory.mktemp("acme")) as make:
        yield make("acme", entry_points, modules={"acme_random": PLUGIN, "acme_hooks": HOOKS})


def settings(**changes: Any) -> dict[str, Any]:
    section = {"dataset": {"digits": {"split": "val"}}, "transforms": RANDOM}
    return {
        "data__train": section,
        "data__val": {**section, "transforms": ["to_tensor"]},
        "data__batch_size": 48,
        "model": "forgetful",
        "optim": {"optimizer": {"adam": {"lr": 0.01}}, "scheduler": {"one_cycle": {"max_lr": 0.02}}},
        "train": {"epochs": 3, "device": "cpu", "ema": {"decay": 0.9}, "accumulate": 2, "log_every": "3 steps"},
        **changes,
    }


def train(path: Path, out: Path, *overrides: str) -> registry_core.engine.api.RunResult:  # type: ignore[name-defined]  # loaded by the first call
    return registry_core.train(registry_core.load(path, overrides), out)


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


def rows(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def uninterrupted(acme: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    path = folder / "pipeline.json"
    path.write_text(json.dumps(changed(**settings())))
    return path, train(path, folder / "whole")


@pytest.mark.covers("section/data", reference="the run without workers")
def test_workers_change_nothing(uninterrupted: tuple[Path, Any], tmp_path: Path) -> None:
    path, whole = uninterrupted
    for workers in (1, 2):
        run = train(path, tmp_path / f"workers-{workers}", f"data.workers={workers}")
        assert same(run.pipeline.model.state_dict(), whole.pipeline.model.state_dict()), workers
        assert same(run.pipeline.averaged.state_dict(), whole.pipeline.averaged.state_dict()), workers
        assert rows(run.directory) == rows(whole.directory)


def test_random_transforms_are_really_random(uninterrupted: tuple[Path, Any], tmp_path: Path) -> None:
    """The control of the tests here: another seed, or another epoch, gives other samples."""
    path, whole = uninterrupted
    other = train(path, tmp_path / "other", "seed=1")
    assert not same(other.pipeline.model.state_dict(), whole.pipeline.model.state_dict())
    executor = whole.pipeline.loaders["train"].executor
    assert torch.equal(executor.sample(0, 3)["input"], executor.sample(0, 3)["input"])
    assert not torch.equal(executor.sample(0, 3)["input"], executor.sample(1, 3)["input"])
    assert not torch.equal(executor.sample(0, 3)["input"], executor.sample(0, 4)["input"])


TOTAL = 12  # 360 images in batches of 48, two batches a step: four steps an epoch, three epochs


def test_a_run_resumes_after_any_step(uninterrupted: tuple[Path, Any], tmp_path: Path) -> None:
    path, whole = uninterrupted
    assert whole.position.step == TOTAL
    for step in range(1, TOTAL):
        out = tmp_path / f"stopped-{step}"
        stopped = train(path, out, f"hooks=[{{preempted: {{after: {step}}}}}]")
        assert (stopped.position.step, stopped.signal) == (step, signal.SIGTERM)
        torch.manual_seed(step)  # a resumed run must not lean on what the process happened to have
        resumed = registry_core.resume(out, registry_core.load(path, [f"data.workers={step % 3}"]))
        assert resumed.summary["guarantee"] == "exact"
        assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict()), step
        assert same(resumed.pipeline.averaged.state_dict(), whole.pipeline.averaged.state_dict()), step
        assert rows(out) == rows(whole.directory)


def test_three_resumes_inside_one_epoch(uninterrupted: tuple[Path, Any], tmp_path: Path) -> None:
    path, whole = uninterrupted
    out = tmp_path / "often"
    train(path, out, "hooks=[{preempted: {after: 5}}]")
    for step in (6, 7):
        registry_core.resume(out, registry_core.load(path, [f"hooks=[{{preempted: {{after: {step}}}}}]"]))
    resumed = registry_core.resume(out, registry_core.load(path))
    assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())


def test_without_the_random_state_a_resumed_run_differs(
    uninterrupted: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the two tests above: they would notice."""
    from registry_core.engine.checkpoint import state

    path, whole = uninterrupted
    train(path, tmp_path / "control", "hooks=[{preempted: {after: 5}}]")
    monkeypatch.setattr(state, "restore_random_state", lambda saved: None)
    resumed = registry_core.resume(tmp_path / "control", registry_core.load(path))
    assert not same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())


def test_a_killed_process_resumes_from_its_last_checkpoint(
    uninterrupted: tuple[Path, Any], acme: Path, tmp_path: Path
) -> None:
    path, whole = uninterrupted
    out = tmp_path / "killed"
    hooks = "hooks=[{checkpoint: {every: 6 steps, keep: 2}}, {killed: {after: 11}}]"
    done = subprocess.run(
        [sys.executable, "-m", "registry_core", "train", str(path), "--set", hooks, "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(acme)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    latest = pointed(out / "checkpoints", "latest")
    assert latest is not None
    assert load_checkpoint(latest)[1]["position"]["step"] == 6
    assert [row["step"] for row in rows(out)] == [3, 4, 6, 8, 9]
    resumed = registry_core.resume(out, registry_core.load(path))
    assert resumed.summary["resumed_from_step"] == 6
    assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())
    assert rows(out) == rows(whole.directory)


def test_a_pipeline_that_would_train_something_else_is_not_resumed(
    uninterrupted: tuple[Path, Any], tmp_path: Path
) -> None:
    from registry_core.diagnostics import RunError

    path, whole = uninterrupted
    with pytest.raises(RunError, match=r"optim\.optimizer\.adam\.lr"):
        registry_core.resume(whole.directory, registry_core.load(path, ["optim.optimizer.adam.lr=0.5"]))


def test_a_longer_run_goes_on_from_the_end(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    path = pipeline()
    train(path, tmp_path / "short", "train.epochs=1")
    longer = registry_core.resume(tmp_path / "short", registry_core.load(path, ["train.epochs=3"]))
    at_once = train(path, tmp_path / "long", "train.epochs=3")
    assert same(longer.pipeline.model.state_dict(), at_once.pipeline.model.state_dict())
    assert [row["epoch"] for row in rows(tmp_path / "short")] == [1, 2, 3]


def test_a_schedule_for_a_length_keeps_it(uninterrupted: tuple[Path, Any]) -> None:
    from registry_core.diagnostics import RunError

    path, whole = uninterrupted
    with pytest.raises(RunError, match=r"'one_cycle' depends on the length .* train\.epochs cannot change"):
        registry_core.resume(whole.directory, registry_core.load(path, ["train.epochs=9"]))


def test_what_workers_need_can_be_sent_to_them(uninterrupted: tuple[Path, Any]) -> None:
    """Where processes are spawned instead of forked, all of it travels by pickle."""
    executor = uninterrupted[1].pipeline.loaders["train"].executor
    copy = pickle.loads(pickle.dumps(executor))
    assert torch.equal(copy.sample(2, 5)["input"], executor.sample(2, 5)["input"])
