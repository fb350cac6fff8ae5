"""Every loss lowers itself in a pipeline on real images of the form that it is for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import ROOT

from registry_core import load, make_plan, registries, run
from registry_core.build.parameters import trained_parameters
from registry_core.build.pipeline import assemble

FILES = sorted(path for path in (ROOT / "tests/pipelines/losses").glob("*.yaml") if path.stem != "common")


def test_there_is_a_pipeline_for_every_loss() -> None:
    assert {path.stem for path in FILES} == set(registries.losses)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_loss_lowers_itself(path: Path, tmp_path: Path) -> None:
    spec = load(path)
    assert spec.loss.name == path.stem
    run(make_plan(spec), tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = [row["train/loss"] for row in rows]
    assert len(losses) == 18
    first, last = sum(losses[:3]) / 3, sum(losses[-3:]) / 3
    assert last < first - 0.1 * abs(first), f"{path.stem} went from {first:.4f} to {last:.4f}"


def test_a_loss_with_weights_trains_them(tmp_path: Path) -> None:
    """The weights of adaptive_log_softmax are in the optimizer, move, and are saved."""
    spec = load(ROOT / "tests/pipelines/losses/adaptive_log_softmax.yaml")
    before = trained_parameters(*_modules(spec))
    names = [name for name in before if name.startswith("loss.")]
    assert names == ["loss.terms.0.loss.head.weight", "loss.terms.0.loss.tail.0.0.weight", "loss.terms.0.loss.tail.0.1.weight"]
