"""Preparation: training and evaluation prepare their images alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry_core.analysis.samples import Passage, uses_in
from registry_core.analysis.sections import SectionAnalysis
from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.checks.own_warnings import warnings_of_transform
from registry_core.components import CheckFailed, Image
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem

_TOLERANCE = 0.05
"""Two ranges of values differ if an end differs by more than this share of the range."""

_FAR = 2.0
"""Factor between sides of images beyond which nobody means to evaluate at another size; recipes reach 2."""

Range = tuple[float, float]


@warning("value-range", after=("transforms_warn",))
def evaluation_has_the_range_of_training(context: CheckContext) -> Iterator[Problem]:
    """The values of evaluations have the range of those of training, apart from what augmentation adds."""
    for name, train, section in _compared(context):
        trained, evaluated = train.steady_range, section.steady_range
        if not trained or not evaluated or not _differ(trained, evaluated):
            continue
        if not _has_a_cause(context, "train", train) and not _has_a_cause(context, name, section):
            message = f"The model receives {_words(evaluated)} from data.{name}, but {_words(trained)} from data.train."
            remedy = "Use the same normalize, and other transforms of all values, in both."
            yield context.problem(("data", name, "transforms"), message, remedy)


def _compared(context: CheckContext) -> Iterator[tuple[Section, SectionAnalysis, SectionAnalysis]]:
    """Each section of evaluation, with that of training."""
    train = context.analysis.train
    for name, section in context.analysis.sections.items():
        if train is not None and name != "train":
            yield name, train, section


def _has_a_cause(context: CheckContext, name: Section, section: SectionAnalysis) -> bool:
    """True if a transform warns of its values, and is the cause of the range."""
    uses = (use for passage in section.passages for use in uses_in(passage))
    return any(failed.code != "no-effect" for use in uses for failed in warnings_of_transform(context, name, use))


def _differ(one: Range, other: Range) -> bool:
    allowed = _TOLERANCE * max(one[1] - one[0], other[1] - other[0])
    return any(abs(end - other_end) > allowed for end, other_end in zip(one, other, strict=True))


def _words(values: Range) -> str:
    return f"values from {values[0]:.4g} to {values[1]:.4g}"


@warning("prepared-differently", after=("transforms_warn", "evaluation_has_the_range_of_training"))
def sections_share_their_steady_transforms(context: CheckContext) -> Iterator[Problem]:
    """A transform that changes every image alike is in training and in evaluations."""
    for name, train, section in _compared(context):
        trained, evaluated = train.steady_range, section.steady_range
        if trained and evaluated and _differ(trained, evaluated):
            continue  # reported as a range
        for passage in _steady(context, "train", train):
            if not _same(passage, section) and not _is_grey(passage, section):
                yield _missing(context, passage, having="train", lacking=name)
        for passage in _steady(context, name, section):
            if (same := _same(passage, train)) is None and not _is_grey(passage, train):
                yield _missing(context, passage, having=name, lacking="train")
            elif same and _is_steady(same) and not _have_same_parameters(passage, same):
                message = f"{passage.transform.name} has other parameters in data.{name} than in data.train."
                place: Keys = ("data", name, *passage.keys)
                yield context.problem(place, message, "Use the same parameters in both sections.")


def _missing(context: CheckContext, passage: Passage, *, having: Section, lacking: Section) -> Problem:
    transform = passage.transform
    message = f"{transform.name} changes every image of data.{having} in the same way, but none of data.{lacking}."
    some = ", or let it change only some of the images" if transform.random == "counter" else ""
    failed = CheckFailed(message, f"Add it to data.{lacking}, or remove it from data.{having}{some}.", ("p",))
    return context.refused_by(("data", having, *passage.keys), transform, failed)


def _same(passage: Passage, section: SectionAnalysis) -> Passage | None:
    """The last use of the same transform in another section, with the same parameters if there is one."""
    found = [other for other in section.passages if other.transform.name == passage.transform.name]
    alike = [other for other in found if _have_same_parameters(passage, other)]
    return next(reversed(alike or found), None)


def _have_same_parameters(passage: Passage, other: Passage) -> bool:
    return _alike(passage.transform.model_dump(), other.transform.model_dump())


def _steady(context: CheckContext, name: Section, section: SectionAnalysis) -> Iterator[Passage]:
    """The steady transforms of a section that nothing is wrong with."""
    for passage in filter(_is_steady, section.passages):
        if not warnings_of_transform(context, name, next(uses_in(passage))):
            yield passage


def _is_steady(passage: Passage) -> bool:
    """True if a transform changes the values of every image in the same way, but neither size nor form."""
    transform, before, after = passage.transform, passage.image_before, passage.image
    if transform.belongs_everywhere(before):
        return True
    if before is None or after is None or transform.random != "counter" or transform.children():
        return False
    changes = getattr(transform, "p", None) != 0 and transform.unit == "sample"
    same = (before.form, before.height, before.width) == (after.form, after.height, after.width)
    return changes and same and None not in (before.height, before.width) and not transform.is_random(before)


def _is_grey(passage: Passage, section: SectionAnalysis) -> bool:
    """True if images of another section are grey from the start, and a transform only removes colours."""
    grey, before, after = section.facts.image, passage.image_before, passage.image
    if grey is None or grey.channels != 1 or passage.transform.random != "none":
        return False
    ends = (before.low, before.high, after.low, after.high) if before and after else (None,)
    return None not in ends and _alike(ends[:2], ends[2:])


def _alike(one: Any, other: Any) -> bool:
    """True if two parameters are equal, or close for numbers."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= _TOLERANCE * max(1.0, abs(one), abs(other))
    return bool(one == other)


@warning("prepared-differently", after=("transforms_warn",))
def sections_have_similar_sizes(context: CheckContext) -> Iterator[Problem]:
    """Evaluations have images of the size of training, or of a similar one."""
    for name, train, section in _compared(context):
        sizes = _size(train.image), _size(section.image)
        if None in sizes or sizes[0] == sizes[1]:
            continue
        (height, width), (evaluated_height, evaluated_width) = sizes[0] or (1, 1), sizes[1] or (1, 1)
        message = (
            f"data.{name} has images of {evaluated_height} x {evaluated_width} pixels (height x width), but data.train "
            f"of {height} x {width}"
        )
        if (height, width) == (evaluated_width, evaluated_height):
            message += ": height and width are exchanged."
            yield _sized(context, name, section, CheckFailed(message, "Write sizes as [height, width] in both."))
        elif not _similar(height, evaluated_height) and not _similar(width, evaluated_width):
            larger = height * width > evaluated_height * evaluated_width
            failed = CheckFailed(f"{message}.", "Use similar sizes in both: what the model has learned depends on it.")
            yield _sized(context, *(("train", train) if larger else (name, section)), failed)


def _size(image: Image | None) -> tuple[int, int] | None:
    if image is None or image.height is None or image.width is None:
        return None
    return image.height, image.width


def _similar(side: int, other: int) -> bool:
    return max(side, other) <= _FAR * min(side, other)


def _sized(context: CheckContext, name: Section, section: SectionAnalysis, failed: CheckFailed) -> Problem:
    """The problem of the last transform that sets the size, or of the data set."""
    failed.at = ("size",)
    for passage in reversed(section.passages):
        if _size(passage.image) != _size(passage.image_before):
            return context.refused_by(("data", name, *passage.keys), passage.transform, failed)
    return context.problem(("data", name, "dataset"), failed.message, failed.remedy)


@warning("prepared-differently")
def sections_have_the_same_colours(context: CheckContext) -> Iterator[Problem]:
    """Grey images that a transform makes RGB are not compared with colours."""
    for name, train, section in _compared(context):
        images = train.facts.image, train.image, section.facts.image, section.image
        if not all(images) or train.declared.dataset.name != section.declared.dataset.name:
            continue
        first, last, other_first, other_last = (image.channels if image else None for image in images)
        coloured = {first, other_first} == {1, 3} and last == other_last == 3
        if coloured and not any(
            passage.transform.name == "grayscale" for passage in (*train.passages, *section.passages)
        ):
            message = (
                f"The images of data.{name if other_first == 1 else 'train'} are read as grey, but those of "
                f"data.{'train' if other_first == 1 else name} in colour."
            )
            dataset = section.declared.dataset
            failed = CheckFailed(message, "Read both in the same mode.", ("mode",))
            yield context.refused_by(("data", name, "dataset"), dataset, failed)
