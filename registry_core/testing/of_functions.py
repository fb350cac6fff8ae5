"""Checks for functions."""

from __future__ import annotations

import math

import numpy as np
import PIL.Image
import torch

from registry_core.components.target import load_target
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject

_IMAGE = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)


@check()
def does_what_it_is_for(subject: Subject) -> None:
    """Its result is valid for the components that call it."""
    component = subject.component()
    function = subject.build()
    if component.use == "images":
        made = function(PIL.Image.fromarray(_IMAGE))
        assert isinstance(made, (PIL.Image.Image, torch.Tensor)), f"for an image it returns a {type(made).__name__}"
    elif component.use == "learning rates":
        factors = [function(step) for step in range(5)]
        assert all(math.isfinite(factor) and factor >= 0 for factor in factors), f"it returns the factors {factors}"
    elif component.use == "distances":
        rows = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
        distances = function(rows, rows.flip(0))
        assert distances.shape == (4,), f"for 4 pairs it returns the shape {tuple(distances.shape)}"
        assert torch.equal(function(rows, rows.flip(0)), distances), "the same pairs have different distances"
    else:
        raise NotApplicable("its use is unknown: set `use`")


@check()
def is_found_by_name(subject: Subject) -> None:
    """Its target is a function that other processes can import by name."""
    if subject.declaration.target:
        assert callable(load_target(subject.declaration.target)), "its target is not a function"
