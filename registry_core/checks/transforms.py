"""Transforms: each is in the list of its unit, and can be applied to the samples before it."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.samples import TRANSFORM_LISTS, inside, placed_transforms
from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, Image, Transform
from registry_core.components.forms import TargetForm, words
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem

_NOT_AVERAGED: tuple[TargetForm, ...] = ("class_maps", "sequences")
_LISTS = tuple(TRANSFORM_LISTS.values())


@check("transform-place")
def transforms_are_in_their_lists(context: CheckContext) -> Iterator[Problem]:
    """Sample transforms and batch transforms are in their own lists."""
    for name, section in context.spec.data.sections().items():
        for keys, transform in placed_transforms(section):
            place: Keys = ("data", name, *keys)
            if context.whole(place):
                unit = transform.get_unit()
                if TRANSFORM_LISTS[unit] != keys[0]:
                    what = "whole batches" if unit == "batch" else "single samples"
                    message = f"The transform {transform.name!r} works on {what}."
                    yield context.problem(place, message, f"Move it to data.{name}.{TRANSFORM_LISTS[unit]}.")
                yield from _children_fit(context, place, transform)


def _children_fit(context: CheckContext, place: Keys, transform: Transform) -> Iterator[Problem]:
    for at, child in transform.children().items():
        inner: Keys = (*place, transform.name_in_file, *at)
        if child.num_views != 1:
            message = f"{child.name} makes {child.num_views} images of one, which {transform.name} does not support."
            yield context.problem(inner, message, "Move it to the transforms of the section.")
        if child.get_unit() != transform.get_unit():
            message = f"{transform.name} contains both sample transforms and batch transforms."
            yield context.problem(inner, message, "Put them in separate lists.")
        yield from _children_fit(context, inner, child)


@check("transform-place", after=("transforms_are_in_their_lists",))
def device_transforms_are_last(context: CheckContext) -> Iterator[Problem]:
    """Batch transforms on the device come after those in the loading process."""
    for name, section in context.spec.data.sections().items():
        earlier = ""
        for index, transform in enumerate(section.batch_transforms):
            place: Keys = ("data", name, "batch_transforms", index)
            if earlier and not transform.on_device and context.whole(place):
                message = (
                    f"The transform {transform.name!r} runs while loading, but {earlier!r} before it on the device."
                )
                yield context.problem(place, message, f"Move it before {earlier!r}.")
            earlier = transform.name if transform.on_device else earlier
            for at, child in transform.children().items():
                if child.on_device:
                    message = f"{child.name} runs on the device and is not supported inside {transform.name}."
                    inner: Keys = (*place, transform.name_in_file, *at)
                    yield context.problem(inner, message, "Move it to batch_transforms.")


@check("transform-input", after=("transforms_are_in_their_lists", "device_transforms_are_last"))
def transforms_fit_images(context: CheckContext) -> Iterator[Problem]:
    """Every transform can be applied to the image before it, and the images have one size."""
    for name, section in context.sections(*_LISTS):
        if section.facts.image is None:
            continue
        if failed := section.way.image_error:
            yield context.rejected(("data", name, *failed.at), failed)
        if section.way.collated is not None:
            yield from _one_size(context, name, section.way.collated, section.facts.image)


def _one_size(context: CheckContext, section: Section, image: Image, first: Image) -> Iterator[Problem]:
    if image.varying and None in (image.height, image.width) and context.spec.data.batch_size_of(section) > 1:
        message = f"The images of data.{section} have different sizes after the transforms, and do not make a batch."
        remedy = "Add resize with [height, width] or a crop after the transform that changes their size."
        if first.varying:
            message = f"The images of data.{section} have different sizes, and do not make a batch."
            remedy = "Add resize with [height, width], which does not keep the aspect, or a crop."
        yield context.problem(("data", section, "transforms"), message, remedy, "image-sizes")


@check("target-transform", after=("transforms_fit_images",))
def transforms_fit_targets(context: CheckContext) -> Iterator[Problem]:
    """Every transform can be applied to the target before it, and knows the number of classes if it needs it."""
    for name, section in context.sections(*_LISTS):
        if failed := section.way.target_error:
            yield context.rejected(("data", name, *failed.at), failed)
        if not context.whole(("model",)):
            continue
        for passage in section.passages:
            try:
                passage.transform.for_classes(context.analysis.num_classes)
            except CheckFailed as failed:
                placed = inside(failed, passage.keys, passage.transform)
                yield context.rejected(("data", name, *placed.at), placed)


@check("several-views", after=("transforms_fit_images", "transforms_fit_targets"))
def several_views_are_averaged(context: CheckContext) -> Iterator[Problem]:
    """The batch transforms and the targets allow several views of a sample."""
    for name, section in context.sections("transforms"):
        if section.views == 1:
            continue
        transforms = section.declared.transforms
        maker = next(n for n, transform in enumerate(transforms) if transform.num_views != 1)
        keys: Keys = ("data", name, "transforms", maker)
        many = f"{transforms[maker].name} makes {section.views} images of one"
        if section.declared.batch_transforms:
            message = f"{many}, and batch transforms would mix images of the same sample."
            yield context.problem(keys, message, f"Use either it or data.{name}.batch_transforms.")
        if section.targets and name != "train" and section.targets.target_form in _NOT_AVERAGED:
            form = words(section.targets.target_form)
            message = f"{many}, whose outputs cannot be averaged for targets that are {form}."
            yield context.problem(keys, message, "Use center_crop.")
