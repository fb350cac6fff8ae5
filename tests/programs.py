"""Transforms applied as a run applies them, for tests of transforms alone: built, with random keys by their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry_core.assembly.data.transforms import BuiltTransform, Moment
from registry_core.components import Transform, stream_key


def built(transforms: Sequence[Transform], seed: int, purpose: str) -> list[BuiltTransform]:
    """Build transforms with the random keys of their places."""
    return [BuiltTransform.of(each, stream_key(seed, f"{purpose}[{place}]")) for place, each in enumerate(transforms)]


def all_views(
    transforms: Sequence[Transform],
    sample: dict[str, Any],
    epoch: int,
    index: int,
    *,
    seed: int = 0,
    purpose: str = "t",
) -> list[dict[str, Any]]:
    """The views of a sample after transforms of samples."""
    views = [sample]
    for transform in built(transforms, seed, purpose):
        views = [made for view, each in enumerate(views) for made in transform.each(each, Moment(epoch, index, view))]
    return views


def on_batch(
    transforms: Sequence[Transform],
    batch: dict[str, Any],
    epoch: int,
    number: int,
    *,
    seed: int = 0,
    purpose: str = "t",
) -> dict[str, Any]:
    """A batch after transforms of batches."""
    for transform in built(transforms, seed, purpose):
        batch = transform(batch, Moment(epoch, number))
    return batch
