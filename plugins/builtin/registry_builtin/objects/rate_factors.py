"""Factors on a learning rate, from the number n (from 0) of the epoch or step."""

from __future__ import annotations

import math


def constant_factor(n: int, *, factor: float) -> float:
    """The same for all n."""
    return factor


def power_decay(n: int, *, base: float) -> float:
    """``base ** n``."""
    return base**n


def linear_decay(n: int, *, length: int, start: int, end: float) -> float:
    """1 up to ``start``, then along a line to ``end``, ``length`` later."""
    return 1.0 - (1.0 - end) * min(max(n - start, 0) / length, 1.0)


def inverse_sqrt(n: int, *, warmup: int) -> float:
    """A line up to 1 at ``warmup``, then the inverse square root."""
    return min((n + 1) / warmup, math.sqrt(warmup / (n + 1)))


def inverse_time_decay(n: int, *, rate: float, power: float) -> float:
    """``(1 + rate * n) ** -power``."""
    return float((1.0 + rate * n) ** -power)
