"""Checkpoints in the form that runs write, without a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from registry_core.config.run_layout import MANIFEST
from registry_core.engine.checkpoint.manifest import Origin, pipeline_digest, seal
from registry_core.engine.checkpoint.store import save_checkpoint

RUN = "run-of-tests"
PIPELINE: dict[str, Any] = {"version": 1}


def state_at(step: int, **optimizer: Any) -> dict[str, Any]:
    """The state of a run at a step, with this state of its optimizer."""
    owned = {"saved": [], "best": None, "keep": 1, "metric": ""}
    return {
        "torch": {"optimizer": optimizer, "scheduler": {}, "scaler": {}, "random": {}},
        "position": {"epoch": 0, "batch": step, "step": step},
        "batches_per_epoch": 100,
        "running": {"loss_sum": torch.zeros(()), "samples": 0},
        "since_evaluation": None,
        "skipped_steps": 0,
        "uncounted_steps": 0,
        "skipped_samples": [],
        "images": 0,
        "seconds": 0.0,
        "stopped": "",
        "row_is_due": False,
        "hooks": [],
        "checkpoints": owned,
        "made_with": {
            "environment": {},
            "plugins": {},
            "pipeline": PIPELINE,
            "class_names": [],
            "target_form": "any",
            "image_channels": None,
        },
    }


def save(folder: Path, step: int, run: str = RUN, **parts: dict[str, torch.Tensor]) -> Path:
    """Save a checkpoint of a step, with these sets of weights besides those of a model."""
    model = {"weight": torch.full((50, 50), float(step)), "half": torch.ones(3, dtype=torch.bfloat16)}
    state = state_at(step, state={0: {"exp_avg": torch.arange(4.0)}})
    return save_checkpoint(folder, step, {"model": model, **parts}, state, Origin(run, pipeline_digest(PIPELINE)))


def reseal(folder: Path) -> None:
    """Seal a checkpoint whose files were changed, as one who forges it would."""
    written = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).unlink()
    seal(folder, Origin(written["run"], written["pipeline"]), written["step"])
