"""The machine of a run, without torch: its GPUs, its processors, and write access."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_GPU_FILES = ("nvidia*", "nvhost*", "nvgpu*", "dxg", "kfd")
"""Device files of NVIDIA drivers (graphics card, Tegra, WSL) and AMD drivers: without one there is no CUDA."""


def may_have_cuda() -> bool:
    """True if this machine may have a CUDA device; only torch knows for certain."""
    if sys.platform == "linux":
        return any(next(Path("/dev").glob(pattern), None) is not None for pattern in _GPU_FILES)
    return sys.platform != "darwin"


def may_have_mps() -> bool:
    """True if this machine may have an MPS device."""
    return sys.platform == "darwin"


def processors() -> int:
    """The number of processors of this machine."""
    return os.cpu_count() or 1


def unwritable(path: Path) -> str:
    """The reason why a run cannot write into a folder, which may not exist yet; empty if it can."""
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{str(there)!r} is a file" if there.exists() else f"{str(there)!r} is a broken link"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{str(there)!r} is not writable"
    return ""
