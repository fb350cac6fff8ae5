"""The rank of this process among those of a run."""

from __future__ import annotations

import os


def rank() -> int:
    """The rank that torchrun assigned to this process, from 0; 0 if there is only one process."""
    return int(os.environ.get("RANK", "0"))
