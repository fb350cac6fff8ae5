"""Checks of the machine that a run would be on, without torch: its devices, its processors, and a place to write."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from registry_core.checks.context import CheckContext
from registry_core.diagnostics import Problem

_GPU_FILES = ("nvidia*", "nvhost*", "nvgpu*", "dxg", "kfd")
"""What /dev has where a driver of NVIDIA (on a card, Tegra or WSL) or AMD is at work: without one there is no CUDA."""


def check_machine(context: CheckContext) -> Iterator[Problem]:
    """The device is there and can compute so; there are processors for the loaders."""
    if not context.whole(("train",), ("data",)):
        return
    train, workers = context.spec.train, context.spec.data.workers
    there = {"cuda": _may_have_cuda(), "mps": sys.platform == "darwin", "auto": True, "cpu": True}
    if not there[train.device]:
        message = f"The device is {train.device}, and this machine has none."
        remedy = "Use device: auto, or, if the run will be elsewhere, validate with --elsewhere."
        yield context.problem(("train", "device"), message, remedy, "device")
    elif train.precision == "fp16" and train.device == "auto" and not (there["cuda"] or there["mps"]):
        message = "fp16 needs a GPU, and this machine has none."
        remedy = "Use bf16 or fp32, or, if the run will be elsewhere, validate with --elsewhere."
        yield context.problem(("train", "precision"), message, remedy, "precision")
    processors = os.cpu_count() or 1
    if workers > 2 * processors:
        message = f"{workers} workers are many for {processors} processor{'' if processors == 1 else 's'}."
        remedy = f"{processors} or fewer load as fast, and take less memory."
        yield context.problem(("data", "workers"), message, remedy, "too-many-workers", warning=True)


def _may_have_cuda() -> bool:
    if sys.platform == "linux":
        return any(next(Path("/dev").glob(pattern), None) is not None for pattern in _GPU_FILES)
    return sys.platform != "darwin"


def unwritable(path: Path) -> str:
    """Why a run could not write into a folder, which may have to be made first; empty if it could."""
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{str(there)!r} is a file" if there.exists() else f"{str(there)!r} leads nowhere"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"nothing may be written into {str(there)!r}"
    return ""
