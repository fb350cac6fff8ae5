"""Random numbers by other means: the order of an epoch from NumPy's generator, and how far chance may stray."""

from __future__ import annotations

from typing import Any

import numpy as np


def order(seed: int, epoch: int, length: int) -> np.ndarray[Any, Any]:
    """The order of an epoch, from NumPy's own Philox generator."""
    words = np.random.Philox(key=[seed, 1], counter=[0, 0, 0, epoch]).random_raw(length)
    return np.argsort(words, kind="stable")


def chi_square_bound(freedom: int) -> float:
    """Wilson and Hilferty's approximation of the value that chance exceeds once in ten thousand."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + 3.72 * np.sqrt(part)) ** 3)
