"""Pipelines of transforms that are more than one image in, one image out: each learns to read digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, Ended
from torch import nn

import registry_core
from registry_core.engine.api import RunResult

FOLDER = ROOT / "tests" / "pipelines" / "transforms"


def trained(name: str, tmp_path: Path, *overrides: str) -> RunResult:
    return registry_core.train(registry_core.load(FOLDER / f"{name}.yaml", overrides), tmp_path / "run")


@pytest.mark.parametrize(("name", "least"), [("composed", 0.7), ("crops", 0.8), ("mixing", 0.7)])
def test_they_learn(tmp_path: Path, name: str, least: float) -> None:
    result = trained(name, tmp_path)
    assert result.metrics["val/accuracy"] > least
    assert result.summary["steps"] == result.position.epoch * -(-1438 // 64), "steps count samples, not crops"


def test_whitened_images_are_learnt(command: Callable[..., Ended], tmp_path: Path) -> None:
    file = tmp_path / "white.safetensors"
    assert command("whiten", FOLDER / "whitening.yaml", "--set", f"vars.file={file}", "--out", file).code == 0
    result = trained("whitening", tmp_path, f"vars.file={file}")
    assert result.metrics["val/accuracy"] > 0.7


@pytest.mark.parametrize(("name", "loss"), [("vectors", nn.BCEWithLogitsLoss()), ("signs", nn.SoftMarginLoss())])
def test_targets_as_vectors(tmp_path: Path, name: str, loss: nn.Module) -> None:
    """What is measured is torch's loss of vectors that are made by hand, and the classes are learnt."""
    result = trained(name, tmp_path, "data.batch_size=400")
    samples = result.pipeline.loaders["val"].executor.reader.dataset
    inputs = torch.stack([torch.from_numpy(np.array(image["input"])).flatten().div(255) for image in samples])
    labels = torch.tensor([sample["target"] for sample in samples])
    vectors = (labels[:, None] == torch.arange(10)).float()
    with torch.no_grad():
        output = result.pipeline.model.eval()(inputs.view(-1, 1, 8, 8))
    expected = loss(output, vectors if name == "vectors" else vectors * 2 - 1).item()
    assert result.metrics["val/loss"] == pytest.approx(expected, rel=1e-5)
    assert result.metrics["val/loss"] < 0.6
