"""Draws by counter: the published numbers, the same for every kind of array, and evenly spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from randomness_references import chi_square_bound

from registry_core.components import Draws, stream_key
from registry_core.components.randomness import philox

FULL = 0xFFFFFFFF

# Random123, examples/kat_vectors, philox 4x32 10: counter, key (its low word first), result
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL, FULL, FULL, FULL), (FULL, FULL), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def numpy_words(values: list[int]) -> Any:
    return np.array(values, dtype=np.uint64)


def torch_words(values: list[int]) -> Any:
    return torch.tensor(values, dtype=torch.int64)


ARRAYS = pytest.mark.parametrize("array", [numpy_words, torch_words], ids=["numpy", "torch"])
KEY = 0x299F31D0A4093822
INDICES = [0, 1, 2, 59_999, 2**31 - 1, 2**31, 2**32 - 1]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_numbers(counter: Any, key: tuple[int, int], expected: Any) -> None:
    assert philox(counter, key[1] << 32 | key[0]) == expected


@ARRAYS
def test_philox_gives_the_published_numbers_in_arrays(array: Any) -> None:
    for counter, key, expected in KNOWN:
        words = philox(tuple(array([word, word]) for word in counter), key[1] << 32 | key[0])
        assert [word.tolist() for word in words] == [[word, word] for word in expected]


@ARRAYS
def test_many_draws_at_once_are_those_of_each_alone(array: Any) -> None:
    together = Draws(KEY, epoch=3, index=array(INDICES))
    alone = [Draws(KEY, epoch=3, index=index) for index in INDICES]
    for _ in range(9):
        assert together.word().tolist() == [draws.word() for draws in alone]
        assert together.integer(2**31).tolist() == [draws.integer(2**31) for draws in alone]
        assert together.integer(7).tolist() == [draws.integer(7) for draws in alone]
        assert together.uniform().tolist() == [draws.uniform() for draws in alone]
        assert together.uniform(-2.5, 7.25).tolist() == [draws.uniform(-2.5, 7.25) for draws in alone]


def test_a_draw_is_known_by_its_place_alone() -> None:
    """The n-th word is word n % 4 of block n // 4, whatever was made of the words before it."""
    draws, expected = Draws(KEY, epoch=5, index=11), []
    for block in range(3):
        expected += philox((11, block, 5, 0), KEY)
    assert draws.uniform() == expected[0] / 2**32
    assert draws.integer(10) == expected[1] * 10 // 2**32
    assert draws.seed() == expected[2] * 2**32 + expected[3]
    assert [draws.word() for _ in range(8)] == expected[4:]


def test_other_places_give_other_numbers() -> None:
    keys = [stream_key(seed, f"data.train.transforms[{place}]") for seed in (0, 1) for place in (0, 1)]
    firsts = {Draws(key, epoch, index).word() for key in keys for epoch in range(10) for index in range(10)}
    assert len(firsts) == 400


def test_a_stream_key_never_changes() -> None:
    """Old runs must repeat: 64 bits of BLAKE2b of the text ``seed/purpose``, checked with ``b2sum -l 64``."""
    assert stream_key(0, "data.train.transforms[0]").to_bytes(8, "little").hex() == "5e6275b1c7f6a2b1"


@pytest.mark.parametrize("word", [0, FULL, numpy_words([0, FULL]), torch_words([0, FULL])], ids=str)
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.08, 1.0), (-1.0, 3.0), (5.0, 5.0)])
def test_uniform_stays_in_its_range(monkeypatch: pytest.MonkeyPatch, word: Any, low: float, high: float) -> None:
    monkeypatch.setattr(Draws, "word", lambda self: word)
    values = np.atleast_1d(np.asarray(Draws(0, 0, 0).uniform(low, high)))
    assert values.dtype == np.float64
    assert all(low <= value < high or value == low == high for value in values)


@pytest.mark.parametrize("end", [1, 2, 10, 2**31])
def test_integer_stays_in_its_range(monkeypatch: pytest.MonkeyPatch, end: int) -> None:
    for word, expected in ((0, 0), (FULL, end - 1)):
        monkeypatch.setattr(Draws, "word", lambda self, word=word: word)
        assert Draws(0, 0, 0).integer(end) == expected


@pytest.mark.parametrize("end", [2, 3, 10, 17])
def test_integers_are_evenly_spread(end: int) -> None:
    counts = np.bincount(
        Draws(KEY, 0, np.arange(100_000, dtype=np.uint64)).integer(end).astype(np.int64), minlength=end
    )
    expected = 100_000 / end
    assert len(counts) == end
    assert ((counts - expected) ** 2 / expected).sum() < chi_square_bound(end - 1)


def test_numbers_are_evenly_spread_and_unrelated() -> None:
    draws = Draws(KEY, 0, np.arange(100_000, dtype=np.uint64))
    first, second = draws.uniform(), draws.uniform()
    for values in (first, second):
        gap = np.abs(np.sort(values) - (np.arange(100_000) + 0.5) / 100_000).max()
        assert gap < 1.95 / np.sqrt(100_000)  # Kolmogorov-Smirnov, exceeded by chance once in a thousand
    for other in (second, np.roll(first, 1), Draws(KEY, 1, np.arange(100_000, dtype=np.uint64)).uniform()):
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / np.sqrt(100_000)
