"""Orders of samples: pure functions of seed and epoch, based on the streams of NumPy's Philox bit generator.

NumPy guarantees the stream of a bit generator across versions, but not the methods of its ``Generator``; therefore only
raw words are used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_SHUFFLE = 1
_BALANCE = 2


@dataclass(frozen=True)
class SequentialOrder:
    """The order 0, 1, 2 and so on."""

    length: int

    def __call__(self, seed: int, epoch: int) -> Indices:
        """Return the sample indices of an epoch."""
        return np.arange(self.length, dtype=np.int64)


@dataclass(frozen=True)
class ShuffledOrder:
    """A random permutation, obtained by sorting random words."""

    length: int

    def __call__(self, seed: int, epoch: int) -> Indices:
        """Return the sample indices of an epoch."""
        words = _words(seed, _SHUFFLE, epoch, self.length)
        return np.argsort(words, kind="stable").astype(np.int64, copy=False)


@dataclass(frozen=True)
class RepeatedOrder:
    """Every sample ``times`` times, in a random order."""

    length: int
    times: int

    def __call__(self, seed: int, epoch: int) -> Indices:
        """Return the sample indices of an epoch."""
        return ShuffledOrder(self.length * self.times)(seed, epoch) % self.length


class ClassBalancedOrder:
    """Draws with replacement: a class, then one of its samples."""

    def __init__(self, targets: Sequence[int], samples: int) -> None:
        classes = np.asarray(targets)
        if classes.ndim != 1 or classes.size == 0 or classes.dtype.kind not in "iu":
            raise ValueError("class balancing requires at least one sample and one class index per sample")
        _, self._starts, self._counts = np.unique(np.sort(classes), return_index=True, return_counts=True)
        self._members: Indices = np.argsort(classes, kind="stable").astype(np.int64, copy=False)
        self._samples = samples

    def __call__(self, seed: int, epoch: int) -> Indices:
        """Return the sample indices of an epoch."""
        words = _words(seed, _BALANCE, epoch, self._samples)
        # Multiply and shift maps 32 random bits to 0..n-1, deviating from uniform by less than n / 2**32.
        drawn = ((words >> np.uint64(32)) * np.uint64(len(self._counts))) >> np.uint64(32)
        counts = self._counts[drawn].astype(np.uint64)
        member = ((words & np.uint64(0xFFFFFFFF)) * counts) >> np.uint64(32)
        chosen: Indices = self._members[self._starts[drawn] + member.astype(np.int64)]
        return chosen


def _words(seed: int, purpose: int, epoch: int, count: int) -> NDArray[Any]:
    # Arrays, because NumPy would convert a list with a seed of 2**63 or more to floats.
    key = np.array([seed, purpose], dtype=np.uint64)
    counter = np.array([0, 0, 0, epoch], dtype=np.uint64)
    words: NDArray[Any] = np.random.Philox(key=key, counter=counter).random_raw(count)
    return words
