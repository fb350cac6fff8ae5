"""The machine that a run would be on, without torch: its GPUs, its processors, and a place to write."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_GPU_FILES = ("nvidia*", "nvhost*", "nvgpu*", "dxg", "kfd")
"""Files of /dev with a driver of NVIDIA (on a card, Tegra or WSL) or AMD: without one there is no CUDA."""


def may_have_cuda() -> bool:
    """Whether this machine may have a CUDA device; only torch knows for certain."""
    if sys.platform == "linux":
        return any(next(Path("/dev").glob(pattern), None) is not None for pattern in _GPU_FILES)
    return sys.platform != "darwin"


def may_have_mps() -> bool:
    """Whether this machine may have an MPS device."""
    return sys.platform == "darwin"


def processors() -> int:
    """The processors of this machine."""
    return os.cpu_count() or 1


def unwritable(path: Path) -> str:
    """The reason why a run could not write into a folder, which may have to be made first; empty if it could."""
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return f"{str(there)!r} is a file" if there.exists() else f"{str(there)!r} leads nowhere"
    if not os.access(there, os.W_OK | os.X_OK):
        return f"nothing may be written into {str(there)!r}"
    return ""
