"""Shapes of samples that models and layers are tried with, and the shape of what they return."""

from __future__ import annotations

from typing import Any

from registry_core.components import Shape

LAYER_SHAPES: tuple[tuple[int, ...], ...] = ((4, 8, 8), (8, 8, 8), (16,), (256,), (4, 16))
"""Shapes of samples that layers are tried with."""


def assert_shape(found: Any, said: Shape) -> None:
    """Raise AssertionError if the shape of a sample is not the declared one, whose sizes may be open."""
    wrong = len(found) != len(said) or any(s not in (None, f) for f, s in zip(found, said, strict=True))
    assert not wrong, f"a sample becomes {tuple(found)}, and it declares {said}"
