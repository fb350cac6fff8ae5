"""The path of a sample through the transforms of a section: its image, target and views after each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from registry_core.components import CheckFailed, DataFacts, Image, Transform
from registry_core.config.models import DataSection
from registry_core.diagnostics import Keys

TRANSFORM_LISTS = {"sample": "transforms", "batch": "batch_transforms"}
"""The key of a section with the transforms of each unit, in the order in which they are applied."""


class Passage(NamedTuple):
    """One transform on the path of a sample, and the sample before and after it."""

    keys: Keys
    """Keys inside the section: ``("transforms", 0)``."""
    transform: Transform
    image_before: Image | None
    image: Image | None
    """The image after it; None if it is not known before the run."""
    facts_before: DataFacts | None
    """The facts before it; None after a transform that cannot be applied to its targets."""
    facts: DataFacts | None
    """The facts after it."""
    views: int
    """The number of images of a sample after it."""
    steady_before: Image | None
    """The image before it, with the range of values without what random transforms add."""


class Use(NamedTuple):
    """A transform that is applied, in a list of a section or inside another transform, and the sample before it."""

    keys: Keys
    """Keys inside the section: ``("transforms", 0, "random_apply", "transforms", 1)``."""
    transform: Transform
    image: Image | None
    """The image before it, with the range of values without what random transforms add; None if it is not known."""
    facts: DataFacts | None
    """The facts before it, as for a passage."""
    optional: bool = False
    """True if another transform may be applied instead of it."""


@dataclass(frozen=True)
class Way:
    """The path of a sample through the transforms of a section, up to the first that cannot be applied."""

    passages: tuple[Passage, ...]
    """One entry for each transform."""
    image: Image | None
    """The image as the model receives it; None if unknown, or if a transform cannot be applied."""
    steady: Image | None
    """The image as the model receives it, with the range of values without what random transforms add."""
    collated: Image | None
    """The image as it is collated, before the batch transforms."""
    targets: DataFacts | None
    """The facts with the targets as losses and metrics receive them; None if a transform refuses them."""
    image_error: CheckFailed | None = None
    """The refusal of the first transform that cannot be applied to its image, with its place in the section."""
    target_error: CheckFailed | None = None
    """The refusal of the first transform that cannot be applied to its target, with its place in the section."""


def placed_transforms(section: DataSection) -> Iterator[tuple[Keys, Transform]]:
    """The transforms of a section with their places in it, batch transforms last."""
    for key in TRANSFORM_LISTS.values():
        for index, transform in enumerate(getattr(section, key)):
            yield (key, index), transform


def entries_added(section: DataSection) -> Iterator[tuple[Keys, str]]:
    """The entries that transforms of a section, and those inside them, add, with the places of the outer ones."""
    for keys, transform in placed_transforms(section):
        for entry in _added_by(transform):
            yield keys, entry


def _added_by(transform: Transform) -> Iterator[str]:
    yield from transform.added_entries
    for child in transform.children().values():
        yield from _added_by(child)


def way_of(section: DataSection, facts: DataFacts) -> Way:
    """Follow a sample with these facts through the transforms of a section."""
    passages: list[Passage] = []
    image, targets, views = facts.image, facts, 1
    collated = steady = image
    image_error: CheckFailed | None = None
    target_error: CheckFailed | None = None
    for keys, transform in placed_transforms(section):
        image_before, steady_before, facts_before = image, steady, None if target_error else targets
        if image is not None:
            try:
                image = transform.infer_image(image)
            except CheckFailed as failed:
                image, image_error = None, inside(failed, keys, transform)
        steady = _steady_after(transform, steady_before, image_before, image)
        if facts_before is not None:
            try:
                targets = targets_after(transform, facts_before)
            except CheckFailed as failed:
                target_error = inside(failed, keys, transform)
        views *= transform.num_views
        after = None if target_error else targets
        passages.append(Passage(keys, transform, image_before, image, facts_before, after, views, steady_before))
        if keys[0] == TRANSFORM_LISTS["sample"]:
            collated = image
    return Way(tuple(passages), image, steady, collated, None if target_error else targets, image_error, target_error)


def uses_in(passage: Passage) -> Iterator[Use]:
    """The transform of a passage and all that it contains, apart from those that are never applied."""
    yield from _uses(Use(passage.keys, passage.transform, passage.steady_before, passage.facts_before))


def _uses(use: Use) -> Iterator[Use]:
    yield use
    if getattr(use.transform, "p", None) == 0:
        return
    image = use.image
    for at, child in use.transform.children().items():
        keys = (*use.keys, use.transform.name_in_file, *at)
        optional = use.transform.alternatives
        yield from _uses(Use(keys, child, use.image if optional else image, use.facts, optional))
        image = _image_after(child, image)


def _image_after(transform: Transform, image: Image | None) -> Image | None:
    try:
        return None if image is None else transform.infer_image(image)
    except CheckFailed:  # reported for the transform around it
        return None


def _steady_after(
    transform: Transform, steady: Image | None, before: Image | None, after: Image | None
) -> Image | None:
    """The image after a transform, with the range of values before it if it is random."""
    if steady is None or before is None:
        return after
    following = after if steady == before else _image_after(transform, steady)
    if following is None or following.form != steady.form or not transform.is_random(steady):
        return following
    return following.changed(low=steady.low, high=steady.high)


def targets_after(transform: Transform, facts: DataFacts) -> DataFacts:
    """The facts after a transform: signs made from class indices are one value each."""
    form = transform.infer_target(facts.target_form)
    if form == facts.target_form:
        return facts
    if (facts.target_form, form) != ("class_indices", "signs"):
        return replace(facts, target_form=form, num_values=None, value_range=None)
    if max(facts.num_classes or 0, (facts.largest_label or 0) + 1) > 2:  # the check of samples reports it
        return replace(facts, target_form=form, num_values=None, num_classes=None)
    return replace(facts, target_form=form, num_values=1)


def image_through(section: DataSection, image: Image) -> tuple[Image | None, Image | None]:
    """Another image after the transforms of a section: as it is collated, and as the model receives it.

    Raises CheckFailed, with a place in the section, for the first transform that cannot be applied.
    """
    last: Image | None = image
    collated = last
    for keys, transform in placed_transforms(section):
        try:
            last = None if last is None else transform.infer_image(last)
        except CheckFailed as failed:
            raise inside(failed, keys, transform) from None
        if keys[0] == TRANSFORM_LISTS["sample"]:
            collated = last
    return collated, last


def inside(failed: CheckFailed, keys: Keys, transform: Transform) -> CheckFailed:
    """A refusal of the transform at these keys of a section, with its place in the section."""
    at = (*keys, transform.name_in_file, *failed.at) if failed.at else keys
    return CheckFailed(failed.message, failed.remedy, at)
