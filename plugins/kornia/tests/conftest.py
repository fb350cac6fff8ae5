"""A small pipeline on the packaged digits, and a fixture that writes it."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads do not help with tensors this small

PIPELINE: dict[str, Any] = {
    "version": 1,
    "data": {
        "train": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"], "batch_transforms": []},
        "val": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]},
        "batch_size": 64,
    },
    "model": {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}},
    "loss": "cross_entropy",
    "optim": {"optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9}}},
    "train": {"epochs": 2},
    "metrics": ["accuracy"],
}
"""A small valid pipeline, which tests modify."""


@pytest.fixture
def pipeline(tmp_path: Path) -> Callable[..., Path]:
    """Write ``PIPELINE`` with the values of keys such as ``train__epochs`` changed."""

    def write(**changes: Any) -> Path:
        data = copy.deepcopy(PIPELINE)
        for name, value in changes.items():
            *parents, last = name.split("__")
            part = data
            for parent in parents:
                part = part.setdefault(parent, {})
            part[last] = value
        path = tmp_path / "pipeline.json"
        path.write_text(json.dumps(data))
        return path

    return write
