"""The rank of this process among those of a run."""

from __future__ import annotations

import os
import re


def rank() -> int:
    """The rank that torchrun assigned to this process, from 0; 0 if there is only one process."""
    return whole_number("RANK", 0)


def whole_number(variable: str, default: int) -> int:
    """The number in an environment variable, or ``default`` if it is not set or contains no whole number."""
    written = os.environ.get(variable, "").strip()
    return int(written) if re.fullmatch("[0-9]{1,9}", written) else default
