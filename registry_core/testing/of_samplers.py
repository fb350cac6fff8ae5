"""Checks for samplers."""

from __future__ import annotations

from typing import Any

import numpy as np

from registry_core.assembly.building import build
from registry_core.testing.checks import check
from registry_core.testing.subject import CLASSES, Subject


def built_sampler(component: Any) -> Any:
    """The order of 20 samples of 5 classes."""
    targets = [number % CLASSES for number in range(20)] if component.needs_targets else None
    return build(component, component.build, 20, targets)


@check()
def is_a_function_of_seed_and_epoch(subject: Subject) -> None:
    """The order depends only on seed and epoch, also for a new object and in any sequence of calls."""
    component = subject.component()
    first, second = built_sampler(component), built_sampler(component)
    orders = [np.asarray(first(3, epoch)) for epoch in (0, 1, 2)]
    again = [np.asarray(second(3, epoch)) for epoch in (2, 1, 0)][::-1]
    assert all(map(np.array_equal, orders, again)), "the order depends on more than seed and epoch"


@check()
def gives_numbers_of_samples(subject: Subject) -> None:
    """An epoch has the declared number of samples, and all of them are valid indices."""
    component = subject.component()
    order = np.asarray(built_sampler(component)(0, 0))
    length = component.epoch_length(20)
    assert len(order) == length, f"an epoch has {len(order)} samples, but it declares {length}"
    assert order.dtype.kind in "iu", f"it returns {order.dtype}, not integers"
    assert ((order >= 0) & (order < 20)).all(), "it returns indices that no sample has"
