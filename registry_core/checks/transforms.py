"""Checks of transforms: each can take what comes to it, in the list that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, DataFacts, Image, Transform
from registry_core.components.forms import TargetForm, words
from registry_core.config.models import DataSection, Section, Spec
from registry_core.diagnostics import Keys, Problem

_LISTS = {"sample": "transforms", "batch": "batch_transforms"}
_NOT_AVERAGED: tuple[TargetForm, ...] = ("class_maps", "sequences")


class Followed(NamedTuple):
    """One transform on the way of a sample, and what the image is after it, in so many views."""

    transform: Transform
    image: Image | None
    views: int


def placed_transforms(section: DataSection) -> Iterator[tuple[Keys, Transform]]:
    """The transforms of a section, those of batches last, with their places in the section."""
    for field in _LISTS.values():
        for index, transform in enumerate(getattr(section, field)):
            yield (field, index), transform


def follow_images(section: DataSection, image: Image | None) -> Iterator[Followed]:
    """What the image is after each transform; CheckFailed with a place in the section if one cannot be applied."""
    views = 1
    for keys, transform in placed_transforms(section):
        try:
            image = None if image is None else transform.infer_image(image)
        except CheckFailed as failed:
            raise _inside(failed, keys, transform) from None
        views *= transform.num_views
        yield Followed(transform, image, views)


def image_after(section: DataSection, image: Image | None) -> Image | None:
    """What the image is after all transforms; CheckFailed as above."""
    for step in follow_images(section, image):
        image = step.image
    return image


def infer_target(section: DataSection, facts: DataFacts) -> TargetForm:
    """What the target is after all transforms; CheckFailed with a place in the section if one cannot take it."""
    return facts_after(section, facts).target_form


def facts_after(section: DataSection, facts: DataFacts) -> DataFacts:
    """The facts of a section with its targets as they are after all transforms; CheckFailed as above."""
    for keys, transform in placed_transforms(section):
        try:
            facts = after(transform, facts)
        except CheckFailed as failed:
            raise _inside(failed, keys, transform) from None
    return facts


def after(transform: Transform, facts: DataFacts) -> DataFacts:
    """The facts with the targets as they are after a transform: signs made of class numbers are one number each."""
    form = transform.infer_target(facts.target_form)
    if form == facts.target_form:
        return facts
    if (facts.target_form, form) != ("class_indices", "signs"):
        return replace(facts, target_form=form, num_values=None)
    if max(facts.num_classes or 0, (facts.largest_label or 0) + 1) > 2:  # check_samples says so
        return replace(facts, target_form=form, num_values=None, num_classes=None)
    return replace(facts, target_form=form, num_values=1)


def changed_by(spec: Spec, section: Section, facts: DataFacts) -> str:
    """The name of the last transform of a section that changes the form of targets; empty if none does."""
    form, name = facts.target_form, ""
    for _, transform in placed_transforms(spec.data.sections()[section]):
        changed = transform.infer_target(form)
        form, name = changed, transform.name if changed != form else name
    return name


def _inside(failed: CheckFailed, keys: Keys, transform: Transform) -> CheckFailed:
    at = (*keys, transform.name_in_file, *failed.at) if failed.at else keys
    return CheckFailed(failed.message, failed.remedy, at)


def classes_of(spec: Spec, facts: DataFacts | None) -> int | None:
    """The number of classes, from the model or the training data."""
    return spec.model.num_outputs() or (facts.num_classes if facts else None)


def check_places(context: CheckContext) -> Iterator[Problem]:
    """Transforms of samples and of batches stand in their own lists, and what makes several views stands alone."""
    for name, section in context.spec.data.sections().items():
        for keys, transform in placed_transforms(section):
            place: Keys = ("data", name, *keys)
            if context.whole(place):
                scope, field = transform.get_unit(), str(keys[0])
                if _LISTS[scope] != field:
                    unit = "whole batches" if scope == "batch" else "single samples"
                    message = f"The transform {transform.name!r} works on {unit}."
                    yield context.problem(place, message, f"Move it to data.{name}.{_LISTS[scope]}.")
                yield from _check_parts(context, place, transform)


def check_device_transforms(context: CheckContext) -> Iterator[Problem]:
    """What is done to batches on the device comes after what is done where they are loaded."""
    for name, section in context.spec.data.sections().items():
        earlier = ""
        for index, transform in enumerate(section.batch_transforms):
            place: Keys = ("data", name, "batch_transforms", index)
            if earlier and not transform.on_device and context.whole(place):
                message = f"The transform {transform.name!r} works where batches are loaded, {earlier!r} on the device."
                yield context.problem(place, message, f"Put it before {earlier!r}.")
            earlier = transform.name if transform.on_device else earlier
            for at, part in transform.children().items():
                if part.on_device:
                    message = f"{part.name} works on the device, and cannot stand in {transform.name}."
                    inner: Keys = (*place, transform.name_in_file, *at)
                    yield context.problem(inner, message, "Put it directly into batch_transforms.")


def _check_parts(context: CheckContext, place: Keys, transform: Transform) -> Iterator[Problem]:
    for at, part in transform.children().items():
        inner: Keys = (*place, transform.name_in_file, *at)
        if part.num_views != 1:
            message = f"{part.name} makes {part.num_views} images of one, and cannot stand in {transform.name}."
            yield context.problem(inner, message, "Put it directly into the transforms of the section.")
        if part.get_unit() != transform.get_unit():
            message = f"{transform.name} has transforms of samples and of batches."
            yield context.problem(inner, message, "Give each a list of its own.")
        yield from _check_parts(context, inner, part)


def check_views(context: CheckContext) -> Iterator[Problem]:
    """Where a sample has several views, what comes after can work with them."""
    for name, section in context.spec.data.sections().items():
        facts = context.survey.facts.get(name)
        if section.views() == 1 or facts is None or not context.whole(("data", name, "transforms")):
            continue
        maker = next(n for n, transform in enumerate(section.transforms) if transform.num_views != 1)
        keys: Keys = ("data", name, "transforms", maker)
        many = f"{section.transforms[maker].name} makes {section.views()} images of one"
        if section.batch_transforms:
            message = f"{many}, and batch transforms would mix images of the same sample."
            yield context.problem(keys, message, f"Use it, or data.{name}.batch_transforms.")
        try:
            form = infer_target(section, facts)
        except CheckFailed:  # check_target_transforms says so
            continue
        if name != "train" and form in _NOT_AVERAGED:
            message = f"{many}, whose outputs cannot be averaged where targets are {words(form)}."
            yield context.problem(keys, message, "Use center_crop.")


def check_images(context: CheckContext) -> Iterator[Problem]:
    """Every transform can take what comes before it, and the model what comes last."""
    for name, section in context.spec.data.sections().items():
        facts = context.survey.facts.get(name)
        if facts is None or facts.image is None or not context.whole(*_lists_of(name)):
            continue
        image: Image | None = facts.image
        collated = image
        try:
            for number, step in enumerate(follow_images(section, facts.image), 1):
                image = step.image
                collated = image if number <= len(section.transforms) else collated
        except CheckFailed as failed:
            yield context.problem(("data", name, *failed.at), failed.message, failed.remedy)
            image, collated = None, collated if failed.at[:1] == ("batch_transforms",) else None
        if collated is not None:
            yield from _check_one_size(context, name, collated, facts.image)
        if image is not None:
            yield from _check_model_input(context, name, image)


def _check_one_size(context: CheckContext, section: Section, image: Image, first: Image) -> Iterator[Problem]:
    if image.varying and None in (image.height, image.width) and context.spec.data.batch_size_of(section) > 1:
        message = f"The transforms give the images of data.{section} different sizes, which do not make a batch."
        remedy = "Add resize with [height, width], or a crop, behind the transform that changes their size."
        if first.varying:
            message = f"The images of data.{section} have different sizes, and do not make a batch."
            remedy = "Add resize with [height, width], which does not keep the aspect, or a crop."
        yield context.problem(("data", section, "transforms"), message, remedy, "image-sizes")


def _check_model_input(context: CheckContext, section: Section, image: Image) -> Iterator[Problem]:
    keys: Keys = ("data", section, "transforms")
    if image.form != "float":
        message = f"The model would be given a {image}, not a float tensor."
        yield context.problem(keys, message, "Add to_tensor at the end of the transforms.", "model-input")
    elif context.whole(("model",)):
        try:
            context.spec.model.check_input(image)
        except CheckFailed as failed:
            message = f"{failed.message} (images of data.{section})"
            yield context.problem(("model",), message, failed.remedy, "model-input")


def check_target_transforms(context: CheckContext) -> Iterator[Problem]:
    """Every transform can take the target that comes to it, and knows the number of classes if it must."""
    for name, section in context.spec.data.sections().items():
        facts = context.survey.facts.get(name)
        if facts is None or not context.whole(*_lists_of(name)):
            continue
        try:
            infer_target(section, facts)
        except CheckFailed as failed:
            yield context.problem(("data", name, *failed.at), failed.message, failed.remedy)
        if not context.whole(("model",)):
            continue
        for keys, transform in placed_transforms(section):
            try:
                transform.for_classes(classes_of(context.spec, context.survey.facts.get("train")))
            except CheckFailed as failed:
                inner = _inside(failed, keys, transform)
                yield context.problem(("data", name, *inner.at), inner.message, inner.remedy)


def _lists_of(name: Section) -> tuple[Keys, ...]:
    return tuple(("data", name, field) for field in _LISTS.values())
