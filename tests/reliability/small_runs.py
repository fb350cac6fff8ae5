"""The pipeline of the runs that are interrupted: random transforms, dropout, a plateau, and everything that logs."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

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


def small_run(workers: int = 0, accumulate: int = 1, epochs: int = 3) -> dict[str, Any]:
    """A pipeline as plain data."""
    return {
        "version": 1,
        "data": {
            "train": {
                "dataset": {"digits": {"split": "val"}},
                "transforms": [{"random_crop": {"size": 8, "padding": 1}}, "to_tensor"],
            },
            "val": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]},
            "batch_size": 24,
            "workers": workers,
        },
        "model": deepcopy(DROPOUT),
        "loss": "cross_entropy",
        "optim": {
            "optimizer": {"adamw": {"lr": 0.01}},
            "scheduler": {"reduce_on_plateau": {"monitor": "train/loss", "patience": 1, "threshold": 0.05}},
        },
        "train": {
            "epochs": epochs,
            "device": "cpu",
            "accumulate": accumulate,
            "ema": {"decay": 0.9},
            "evaluate_every": "7 steps",
            "log_every": "3 steps",
        },
        "metrics": ["accuracy"],
        "hooks": deepcopy(HOOKS),
    }


def write_small_run(folder: Path, **changes: Any) -> Path:
    """The file of a small run in a folder."""
    path = folder / "pipeline.json"
    path.write_text(json.dumps(small_run(**changes)))
    return path
