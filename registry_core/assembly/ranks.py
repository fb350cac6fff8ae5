"""Which of the processes of a run this one is."""

from __future__ import annotations

import os


def rank() -> int:
    """The number of this process among those that torchrun started, from 0; 0 where there is only one."""
    return int(os.environ.get("RANK", "0"))
