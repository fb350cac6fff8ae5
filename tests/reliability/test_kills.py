"""Runs that are killed at random moments, again and again, leave the same as one that was not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import changed
from reliability.forked import Forked, command
from reliability.outcome import differences, outcome
from reliability.trials import Score, generator, trials

HOOKS = [
    {"checkpoint": {"every": "5 steps", "keep": 2, "best": "val/loss"}},
    {"early_stopping": {"monitor": "train/loss", "patience": 50}},
    {"tensorboard": {"charts": {"loss": ["train/loss", "val/loss"]}}},
    "jsonl",
]
DROPOUT = {
    "sequential": {
        "input": [1, 8, 8],
        "layers": ["flatten", {"linear": {"out_features": 10}}, {"dropout": {"p": 0.3}}],
    },
}


def pipeline(folder: Path, workers: int, accumulate: int) -> Path:
    """A pipeline with random transforms, dropout, a plateau, and everything that logs."""
    path = folder / "pipeline.json"
    section = {
        "dataset": {"digits": {"split": "val"}},
        "transforms": [{"random_crop": {"size": 8, "padding": 1}}, "to_tensor"],
    }
    settings = changed(
        data__train=section,
        data__batch_size=24,
        data__workers=workers,
        model=DROPOUT,
        optim={
            "optimizer": {"adamw": {"lr": 0.01}},
            "scheduler": {"reduce_on_plateau": {"monitor": "train/loss", "patience": 1, "threshold": 0.05}},
        },
        train={
            "epochs": 6,
            "device": "cpu",
            "accumulate": accumulate,
            "ema": {"decay": 0.9},
            "evaluate_every": "7 steps",
            "log_every": "3 steps",
        },
        hooks=HOOKS,
    )
    path.write_text(json.dumps(settings))
    return path


@pytest.mark.parametrize(("workers", "accumulate"), [(0, 1), (2, 4)])
def test_kills_at_random_moments_change_nothing(workers: int, accumulate: int, tmp_path: Path) -> None:
    random = generator("kills", workers, accumulate)
    path = pipeline(tmp_path, workers, accumulate)
    began = time.monotonic()
    whole = Forked(tmp_path, command, "train", path, "--out", "whole").end()
    seconds = time.monotonic() - began
    assert whole.code == 0, whole.out
    expected = outcome(tmp_path / "whole")
    assert expected["scalars"]
    promise = "a run that is killed at any moment and resumed has the same weights, rows, logs and best checkpoint"
    with Score(f"kills, {workers} workers", promise) as score:
        chain = 0
        while score.count < trials(4, 500):
            chain += 1
            out = tmp_path / f"chain-{chain}"
            _killed_until_done(tmp_path, path, out, score, lambda: random.uniform(0.1, 1.1) * seconds)
            found = differences(expected, outcome(out))
            score.trial(not found, (out.name, found))


def _killed_until_done(folder: Path, path: Path, out: Path, score: Score, seconds: Callable[[], float]) -> None:
    while True:
        arguments = ["--resume", out] if (out / "checkpoints" / "latest").exists() else [path, "--out", out]
        ended = Forked(folder, command, "train", *arguments).kill_after(seconds())
        if ended.code == 0:
            return
        assert ended.code == -9, ended.out
        score.trial(True)
