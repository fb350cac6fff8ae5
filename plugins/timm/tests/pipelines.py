"""Small pipelines on the packaged digits, shared by several tests."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import torch

SECTION = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}

PIPELINE: dict[str, Any] = {
    "version": 1,
    "data": {"train": SECTION, "val": SECTION, "batch_size": 64},
    "model": {"mlp": {"size": 8, "hidden": [16], "num_classes": 10}},
    "loss": "cross_entropy",
    "optim": {"optimizer": {"timm_lion": {"lr": 0.003}}},
    "train": {"epochs": 2, "device": "cpu"},
    "metrics": ["accuracy"],
}


def written(folder: Path, **changes: Any) -> Path:
    """Write ``PIPELINE`` to a file, with the values of keys such as ``train__epochs`` changed."""
    data = copy.deepcopy(PIPELINE)
    for name, value in changes.items():
        *parents, last = name.split("__")
        part = data
        for parent in parents:
            part = part.setdefault(parent, {})
        part[last] = value
    path = folder / "pipeline.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    """Return True if two sets of tensors have equal names and bits."""
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)
