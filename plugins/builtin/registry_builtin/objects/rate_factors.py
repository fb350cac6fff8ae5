"""Learning rate factors as a function of the number n (from 0) of the epoch or step."""

from __future__ import annotations

import math


def constant_factor(n: int, *, factor: float) -> float:
    """Return the same factor for all n."""
    return factor


def power_decay(n: int, *, base: float) -> float:
    """Return ``base ** n``."""
    return base**n


def linear_decay(n: int, *, length: int, start: int, end: float) -> float:
    """Return 1 up to ``start``, then decay linearly to ``end`` over ``length``."""
    return 1.0 - (1.0 - end) * min(max(n - start, 0) / length, 1.0)


def inverse_sqrt(n: int, *, warmup: int) -> float:
    """Rise linearly to 1 at ``warmup``, then decay with the inverse square root."""
    return min((n + 1) / warmup, math.sqrt(warmup / (n + 1)))


def inverse_time_decay(n: int, *, rate: float, power: float) -> float:
    """Return ``(1 + rate * n) ** -power``."""
    return float((1.0 + rate * n) ** -power)
