"""The state that a run needs to resume bit for bit: gathered for a checkpoint, and restored."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from registry_core.assembly.pipeline import Pipeline
from registry_core.engine.checkpoint.manifest import AVERAGED, LOSS, MODEL

Parts = dict[str, dict[str, torch.Tensor]]


def gather(pipeline: Pipeline, scaler: torch.amp.GradScaler) -> tuple[Parts, dict[str, Any]]:
    """Weights by part, and the state of optimizer, scheduler, scaler and generators."""
    state = {
        "optimizer": pipeline.optimizer.state_dict(),
        "scheduler": pipeline.schedule.state_dict() if pipeline.schedule else {},
        "scaler": scaler.state_dict(),
        "random": random_state(pipeline.device),
    }
    return _weights(pipeline), state


def _weights(pipeline: Pipeline) -> Parts:
    parts: Parts = {MODEL: pipeline.model.state_dict()}
    if loss := pipeline.loss.state_dict():
        parts[LOSS] = loss
    if pipeline.averaged is not None:
        parts[AVERAGED] = pipeline.averaged.state_dict()
    return parts


def restore(pipeline: Pipeline, scaler: torch.amp.GradScaler, parts: Parts, state: dict[str, Any]) -> None:
    """Restore the state that ``gather`` returned; ValueError if its sets of weights are others than the run has."""
    if wrong := sorted({*parts} ^ {*_weights(pipeline)}):
        there = "has" if wrong[0] in parts else "lacks"
        raise ValueError(f"it {there} the weights {wrong[0]!r}")
    pipeline.model.load_state_dict(parts[MODEL])
    if LOSS in parts:
        pipeline.loss.load_state_dict(parts[LOSS])
    if pipeline.averaged is not None:
        pipeline.averaged.load_state_dict(parts[AVERAGED])
    pipeline.optimizer.load_state_dict(state["optimizer"])
    _keep_memory_formats(pipeline.optimizer)
    if pipeline.schedule is not None:
        pipeline.schedule.load_state_dict(state["scheduler"])
    scaler.load_state_dict(state["scaler"])
    restore_random_state(state["random"])


def _keep_memory_formats(optimizer: torch.optim.Optimizer) -> None:
    """Give state the memory layout of its parameter: fused optimizers iterate over both together."""
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if (
                isinstance(value, torch.Tensor)
                and value.layout == torch.strided
                and value.shape == parameter.shape
                and value.stride() != parameter.stride()
            ):
                state[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of the global generators of Python, NumPy, torch, and of the device, as data."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "python": [version, list(words), gauss],
        "numpy": [name, [int(key) for key in keys], int(position), int(has_gauss), float(cached)],
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Restore the state that ``random_state`` returned."""
    torch.set_rng_state(state["torch"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
