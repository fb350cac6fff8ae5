"""The device and the determinism of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import torch

from registry_core.config.devices import Device, Precision, computes_in
from registry_core.diagnostics import RunError

PRECISIONS: Mapping[Precision, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def choose_device(wanted: Literal["auto", Device], precision: Precision) -> torch.device:
    """The device that ``train.device`` names; ``auto`` is CUDA, else MPS, else the CPU.

    Raises RunError if torch does not find it or if it does not support this precision.
    """
    there: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    name = next(device for device in there if there[device]) if wanted == "auto" else wanted
    if not there[name]:
        message = f"train.device is {name}, but torch finds no {name} device here."
        raise RunError(message, "Use device: auto or cpu.").at("train", "device", code="device")
    if not computes_in(name, precision):
        message = f"train.precision is {precision}, but the run is on the CPU."
        raise RunError(message, "Use bf16 or fp32 on a CPU.").at("train", "precision", code="precision")
    return torch.device(name)


@contextmanager
def deterministic_algorithms(wanted: bool) -> Iterator[None]:
    """A context in which torch uses only deterministic algorithms; its settings are restored at the end."""
    saved = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.utils.deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]  # torch sets it on a module class
    )
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS for determinism
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # only costs time
    torch.use_deterministic_algorithms(wanted)
    torch.backends.cudnn.benchmark = not wanted
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(saved[0], warn_only=saved[1])
        torch.backends.cudnn.benchmark = saved[2]
        torch.utils.deterministic.fill_uninitialized_memory = saved[3]  # type: ignore[attr-defined]  # as above
