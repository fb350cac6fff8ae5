"""Compare the loss with its formula and with torch."""

from __future__ import annotations

import pytest
import torch
from registry_core import registries
from torch.nn import functional as F

NAME = "registry_core_example"
LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 1, 2, 3, 0, 1])


def test_matches_the_formula() -> None:
    """The formula is (1 - p ** q) / q, in double precision."""
    loss = registries.losses[NAME](q=0.7, reduction="none").build()
    p = LOGITS.double().softmax(1)[torch.arange(6), TARGET]
    torch.testing.assert_close(loss(LOGITS.double(), TARGET), (1 - p**0.7) / 0.7)


def test_small_q_is_cross_entropy() -> None:
    """The reference is the mean cross entropy of torch."""
    loss = registries.losses[NAME](q=1e-6).build()
    torch.testing.assert_close(loss(LOGITS, TARGET), F.cross_entropy(LOGITS, TARGET))


@pytest.mark.parametrize(("target", "expected"), [(0, 0.0), (1, 2.0)])
def test_bounds(target: int, expected: float) -> None:
    """It is 0 for a certain and correct prediction, and 1 / q for a certain and wrong one."""
    loss = registries.losses[NAME](q=0.5).build()
    assert loss(torch.tensor([[200.0, 0.0]]), torch.tensor([target])) == expected
