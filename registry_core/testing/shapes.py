"""Shapes of samples for tests of models and layers, and a check of the output shape."""

from __future__ import annotations

from typing import Any

from registry_core.components import Shape

LAYER_SHAPES: tuple[tuple[int, ...], ...] = ((4, 8, 8), (8, 8, 8), (16,), (256,), (4, 16))
"""Shapes of samples for tests of layers."""


def assert_shape(found: Any, said: Shape) -> None:
    """Raise AssertionError if the shape of a sample differs from the declared one, whose sizes may be unknown."""
    wrong = len(found) != len(said) or any(s not in (None, f) for f, s in zip(found, said, strict=True))
    assert not wrong, f"a sample becomes {tuple(found)}, but it declares {said}"
