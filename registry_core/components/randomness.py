"""Counter-based random numbers: pure functions of a seed and of the place of use, without a stateful generator.

The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The arithmetic
is written so that Python integers, NumPy uint64 arrays and torch int64 tensors produce the same numbers: a sample gets
the same draws alone in a worker as in a whole batch on a device.
"""

from __future__ import annotations

import hashlib
from typing import Any

_WORD = 0xFFFFFFFF
_ROUNDS = 10


def stream_key(seed: int, purpose: str) -> int:
    """A 64-bit key for one use of randomness, such as ``data.train.transforms[0]`` under seed 0."""
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def philox(counter: tuple[Any, Any, Any, Any], key: int) -> tuple[Any, Any, Any, Any]:
    """Four random 32-bit words for a counter of four 32-bit words under a 64-bit key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key & _WORD, key >> 32
    for _ in range(_ROUNDS):
        first, second = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (
            ((second >> 32) & _WORD) ^ c1 ^ k0,
            second & _WORD,
            ((first >> 32) & _WORD) ^ c3 ^ k1,
            first & _WORD,
        )
        k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


class Draws:
    """The random numbers of one transform for one sample, or for several with an array of indices.

    Every call draws the next number; the n-th number depends only on key, epoch, sample index, view, occurrence and n.
    ``occurrence`` counts from 0 how often the epoch had the sample before.
    """

    __slots__ = ("_block", "_epoch", "_index", "_key", "_view", "_words")

    def __init__(self, key: int, epoch: int, index: Any, view: int = 0, occurrence: int = 0) -> None:
        self._key = key
        self._epoch = epoch
        self._index = index
        # The counter has four words: occurrences share those of the view and of the block, whose numbers are small.
        self._view = view + ((occurrence & 0xFFFF) << 16)
        self._block = occurrence >> 16 << 16
        self._words: list[Any] = []

    def word(self) -> Any:
        """The next 32 random bits, as an integer from 0 to 2**32 - 1."""
        if not self._words:
            self._words = list(philox((self._index, self._index * 0 + self._block, self._epoch, self._view), self._key))
            self._block += 1
        return self._words.pop(0)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Any:
        """A float from ``low`` to ``high`` (exclusive), in steps of (high - low) / 2**32."""
        word = self.word()
        if hasattr(word, "double"):  # torch would compute in float32, where the largest words round up to 2**32
            word = word.double()
        return low + (high - low) * (word * 2.0**-32)

    def integer(self, end: Any) -> Any:
        """An integer from 0 to ``end`` (exclusive); ``end`` is at most 2**31."""
        return (self.word() * end) >> 32

    def seed(self) -> int:
        """A 64-bit seed for a foreign generator; for one sample only."""
        return int(self.word()) << 32 | int(self.word())
