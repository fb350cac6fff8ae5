"""The order of samples is a pure function of seed and epoch."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from registry_builtin.samplers import ClassBalanced, Sequential, Shuffled
from scipy.stats import chisquare

from registry_core.components import CheckFailed, Sampler

TARGETS = [0] * 900 + [3] * 90 + [7] * 10
PINNED_SHUFFLED = [5, 3, 7, 8, 2, 4, 1, 0, 6, 9]
PINNED_BALANCED = [996, 989, 249, 969, 996, 989, 98, 682, 994, 858]
SAMPLERS = [Sequential(), Shuffled(), ClassBalanced(), ClassBalanced(samples=70)]


@pytest.mark.covers("sampler/sequential", reference="range")
def test_sequential() -> None:
    assert Sequential().build(4)(0, 0).tolist() == Sequential().build(4)(9, 9).tolist() == [0, 1, 2, 3]


@pytest.mark.covers("sampler/shuffled", reference="NumPy's Philox")
def test_shuffled_is_the_documented_order() -> None:
    for seed, epoch in ((0, 0), (7, 3), (2**40, 1000)):
        words = np.random.Philox(key=[seed, 1], counter=[0, 0, 0, epoch]).random_raw(1000)
        assert np.array_equal(Shuffled().build(1000)(seed, epoch), np.argsort(words, kind="stable"))


def test_the_order_never_changes() -> None:
    assert Shuffled().build(10)(0, 0).tolist() == PINNED_SHUFFLED
    assert ClassBalanced(samples=10).build(1000, TARGETS)(0, 0).tolist() == PINNED_BALANCED


def test_shuffled_has_every_sample_once() -> None:
    order = Shuffled().build(1000)(5, 2)
    assert not np.array_equal(order, np.arange(1000))
    assert np.array_equal(np.sort(order), np.arange(1000))


def test_shuffled_puts_every_sample_everywhere() -> None:
    order = Shuffled().build(10)
    first = [order(0, epoch)[0] for epoch in range(2000)]
    assert chisquare(np.bincount(first, minlength=10)).pvalue > 0.001


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_epoch_does_not_depend_on_earlier_ones(sampler: Sampler) -> None:
    order = sampler.build(1000, TARGETS)
    in_turn = [order(1, epoch) for epoch in range(6)]
    again = pickle.loads(pickle.dumps(sampler.build(1000, TARGETS)))
    assert np.array_equal(again(1, 5), in_turn[5])
    assert again(1, 5).dtype == np.int64
    assert len(again(1, 5)) == sampler.epoch_length(1000)


@pytest.mark.parametrize("sampler", SAMPLERS[1:])
def test_seeds_and_epochs_differ(sampler: Sampler) -> None:
    order = sampler.build(1000, TARGETS)
    orders = [order(seed, epoch).tolist() for seed in (0, 1, 2**63, 2**63 + 1) for epoch in range(3)]
    assert len({tuple(one) for one in orders}) == 12


@pytest.mark.covers("sampler/class_balanced", reference="chi-squared test")
def test_balanced_draws_every_class_and_member_equally_often() -> None:
    drawn = ClassBalanced(samples=60_000).build(1000, TARGETS)(0, 0)
    classes = np.array(TARGETS)[drawn]
    assert chisquare([np.sum(classes == label) for label in (0, 3, 7)]).pvalue > 0.001
    for label in (0, 3, 7):
        members = np.flatnonzero(np.array(TARGETS) == label)
        counts = np.bincount(drawn[classes == label], minlength=1000)[members]
        assert chisquare(counts).pvalue > 0.001


def test_balanced_does_not_need_sorted_targets() -> None:
    mixed = np.random.default_rng(0).permutation(TARGETS).tolist()
    classes = np.array(mixed)[ClassBalanced(samples=3000).build(1000, mixed)(0, 0)]
    assert chisquare([np.sum(classes == label) for label in (0, 3, 7)]).pvalue > 0.001


def test_balanced_needs_one_class_for_each_sample() -> None:
    with pytest.raises(CheckFailed, match="requires the class of every sample"):
        ClassBalanced().build(3)
    with pytest.raises(CheckFailed, match="received 2 classes for a data set of 3 samples"):
        ClassBalanced().build(3, [0, 1])
    with pytest.raises(ValueError, match="one class index per sample"):
        ClassBalanced().build(0, [])
    assert ClassBalanced.needs_targets
    assert not Shuffled.needs_targets
