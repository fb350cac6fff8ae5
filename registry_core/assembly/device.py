"""Where and how precisely a run computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from registry_core.config.models import Train
from registry_core.diagnostics import RunError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(train: Train) -> torch.device:
    """The device that ``train.device`` asks for; ``auto`` takes CUDA, else MPS, else the CPU."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = next(device for device in there if there[device]) if train.device == "auto" else train.device
    if not there[name]:
        raise RunError(f"train.device is {name}, but torch finds no {name} device here. Use device: auto, or cpu.").at(
            "train", "device", code="device"
        )
    if name == "cpu" and train.precision == "fp16":
        raise RunError("train.precision is fp16, but the run is on the CPU. Use bf16 or fp32 there.").at(
            "train", "precision", code="precision"
        )
    return torch.device(name)


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """Let torch use only algorithms that repeat bit for bit inside; torch's settings are put back afterwards."""
    saved = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]  # torch sets it on a module class
    )
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs in order to repeat
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # only costs time
    torch.use_deterministic_algorithms(wanted)
    torch.backends.cudnn.benchmark = not wanted
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(saved[0], warn_only=saved[1])
        torch.backends.cudnn.benchmark = saved[2]
        torch.utils.deterministic.fill_uninitialized_memory = saved[3]  # type: ignore[attr-defined]  # as above
