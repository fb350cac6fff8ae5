"""Checks for init schemes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from registry_core.components import CheckFailed
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject


def _filled(component: Any, shape: tuple[int, ...], seed: int) -> Tensor:
    torch.manual_seed(seed)
    tensor = torch.full(shape, 7.0)
    with torch.no_grad():
        returned = component.build()(tensor)
    assert returned is None or returned.data_ptr() == tensor.data_ptr(), "it does not fill the tensor in place"
    return tensor


def _fillable(component: Any) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    shapes: tuple[tuple[int, ...], ...] = ((6,), (6, 4), (6, 4, 3), (6, 4, 3, 3))
    for shape in shapes:
        try:
            component.check_shape(shape)
        except CheckFailed:
            continue
        found.append(shape)
    if not found:
        raise NotApplicable("it fills no common parameter")
    return found


@check()
def fills_in_place(subject: Subject) -> None:
    """It fills every parameter of a supported shape, in place, with finite numbers."""
    component = subject.component()
    for shape in _fillable(component):
        tensor = _filled(component, shape, 0)
        assert tensor.shape == shape, f"it changes the shape {shape} to {tuple(tensor.shape)}"
        assert tensor.isfinite().all(), "it fills with numbers that are not finite"
        assert not (tensor == 7.0).all() or _is_constant(component, shape), "it leaves the parameter unchanged"


def _is_constant(component: Any, shape: tuple[int, ...]) -> bool:
    tensor = torch.full(shape, 3.0)
    with torch.no_grad():
        component.build()(tensor)
    return bool((tensor == 7.0).all())


@check()
def draws_from_the_generator(subject: Subject) -> None:
    """It draws from torch's generator: the same seed results in the same values."""
    component = subject.component()
    for shape in _fillable(component):
        first, second = _filled(component, shape, 3), _filled(component, shape, 3)
        assert torch.equal(first, second), "the same seed results in different values"
