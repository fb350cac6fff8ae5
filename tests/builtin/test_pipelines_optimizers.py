"""A pipeline for each optimizer: it trains, and goes on after an interruption with the same bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT

import registry_core
from registry_core.registry import registries

FILES = {path.stem: path for path in sorted((ROOT / "tests" / "pipelines" / "optimizers").glob("*.yaml"))}


def train(path: Path, out: Path, *overrides: str) -> Any:
    return registry_core.train(registry_core.load(path, ["train.log_every=1 step", *overrides]), out)


def losses(directory: Path) -> list[float]:
    return [json.loads(line)["train/loss"] for line in (directory / "metrics.jsonl").read_text().splitlines()]


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


def test_every_optimizer_has_its_pipeline() -> None:
    names = registries.optimizers
    assert set(FILES) == {name for name in names if names.record(name).distribution == "registry-core"}


@pytest.mark.parametrize("name", FILES)
def test_it_trains(name: str, tmp_path: Path) -> None:
    """Over the last epoch the loss is at most a third of that of the first step, which guesses among ten classes."""
    result = train(FILES[name], tmp_path / "run")
    assert result.pipeline.plan.spec.optim.optimizer.name == name
    found = losses(result.directory)
    last = found[-result.pipeline.horizon.steps_per_epoch :]
    assert 2.2 < found[0] < 2.5
    assert sum(last) / len(last) < found[0] / 3


@pytest.mark.parametrize("name", FILES)
def test_it_goes_on_with_the_same_bits(name: str, tmp_path: Path) -> None:
    """Stopped after two of four steps and resumed, with an average of weights, clipping and accumulation."""
    settings = ("train.accumulate=2", "train.clip={norm: 0.5}", "train.ema={decay: 0.5}", "data.batch_size=72")
    whole = train(FILES[name], tmp_path / "whole", *settings, "train.max_steps=4")
    train(FILES[name], tmp_path / "parts", *settings, "train.max_steps=2")
    longer = registry_core.load(FILES[name], ["train.log_every=1 step", *settings, "train.max_steps=4"])
    resumed = registry_core.resume(tmp_path / "parts", longer)
    assert resumed.summary["resumed_from_step"] == 2
    assert resumed.summary["guarantee"] == "exact"
    assert same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())
    assert same(resumed.pipeline.averaged.state_dict(), whole.pipeline.averaged.state_dict())
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_without_the_state_of_the_optimizer_it_would_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above."""
    whole = train(FILES["lbfgs"], tmp_path / "whole", "train.max_steps=3")
    train(FILES["lbfgs"], tmp_path / "parts", "train.max_steps=2")
    monkeypatch.setattr(torch.optim.LBFGS, "load_state_dict", lambda self, state: None)
    longer = registry_core.load(FILES["lbfgs"], ["train.log_every=1 step", "train.max_steps=3"])
    resumed = registry_core.resume(tmp_path / "parts", longer)
    assert not same(resumed.pipeline.model.state_dict(), whole.pipeline.model.state_dict())
