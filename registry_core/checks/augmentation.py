"""Augmentation: it is random only in training, is applied at all, and does not change what targets mean."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.samples import Use, uses_in
from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed, DataFacts, Image
from registry_core.components.forms import Aspect
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem

_SHRUNK = 2
"""An image loses its details if both sides shrink by this factor and grow by it afterwards."""

_BY_FORM: dict[str, frozenset[Aspect]] = {
    "sequences": frozenset({"handedness", "upright", "extent"}),
    "counts": frozenset({"extent"}),
}
"""Aspects that decide targets of a form in any data set: lines are read from left to right, and everything counts."""

_WORDS: dict[Aspect, tuple[str, str]] = {
    "handedness": ("mirrors images", "left and right"),
    "upright": ("turns images upside down", "which side is up"),
    "angle": ("changes the direction of what images show", "it"),
    "extent": ("cuts off parts of images", "the whole image"),
}
"""Each aspect in words: the change by a transform, and the thing that targets depend on."""


def _uses(context: CheckContext) -> Iterator[tuple[Section, Use]]:
    for name, section in context.analysis.sections.items():
        for passage in section.passages:
            for use in uses_in(passage):
                yield name, use


@warning("no-effect", after=("transforms_warn",))
def transforms_are_applied(context: CheckContext) -> Iterator[Problem]:
    """The probability of a transform is not 0."""
    for name, use in _uses(context):
        if getattr(use.transform, "p", None) == 0:
            message = f"{use.transform.name} is never applied, because p is 0."
            failed = CheckFailed(message, "Set p to a number above 0, or remove the transform.", ("p",))
            yield context.refused_by(("data", name, *use.keys), use.transform, failed)


@warning("random-evaluation", after=("transforms_warn",))
def evaluation_is_not_random(context: CheckContext) -> Iterator[Problem]:
    """Transforms of evaluations are not random."""
    reported: list[Keys] = []
    for name, use in _uses(context):
        place: Keys = ("data", name, *use.keys)
        always = use.transform.children() and getattr(use.transform, "p", None) == 1  # those inside it are to blame
        if name == "train" or always or any(place[: len(keys)] == keys for keys in reported):
            continue
        if use.transform.is_random(use.image):
            reported.append(place)
            message = f"{use.transform.name} changes data.{name} at random, and the metrics with it."
            yield context.problem(place, message, "Use it only in data.train.")


@warning("target-meaning", after=("transforms_warn", "evaluation_is_not_random"))
def targets_keep_their_meaning(context: CheckContext) -> Iterator[Problem]:
    """No transform changes of an image what decides its target."""
    for name, use in _uses(context):
        if use.facts is None or use.transform.children():
            continue
        changed = use.transform.alters(use.image) & _decisive(use.facts)
        for aspect, (does, depends) in _WORDS.items():
            if aspect in changed:
                message = f"{use.transform.name} {does}, but the targets of data.{name} depend on {depends}."
                remedy = f"Remove {use.transform.name}, or replace it by a transform that keeps the targets true."
                yield context.problem(("data", name, *use.keys), message, remedy)
                break


def _decisive(facts: DataFacts) -> frozenset[Aspect]:
    return facts.target_depends_on | _BY_FORM.get(facts.target_form, frozenset())


@warning("transform-effect", after=("transforms_warn",))
def images_keep_their_details(context: CheckContext) -> Iterator[Problem]:
    """No image is made far smaller, and larger again."""
    for name, section in context.analysis.sections.items():
        passages = section.passages
        for number, passage in enumerate(passages):
            before, small = passage.image_before, passage.image
            if not _shrinks(before, small) or "extent" in passage.transform.alters(before):
                continue
            for later in passages[number + 1 :]:
                if _shrinks(later.image, small) and _shrinks(later.image, later.image_before):
                    message = (
                        f"{passage.transform.name} shrinks images from {_size(before)} to {_size(small)} pixels, "
                        f"and {later.transform.name} enlarges them to {_size(later.image)}: details are lost."
                    )
                    failed = CheckFailed(message, "Resize once, to the final size.", ("size",))
                    yield context.refused_by(("data", name, *passage.keys), passage.transform, failed)
                    break


def _shrinks(large: Image | None, small: Image | None) -> bool:
    if large is None or small is None:
        return False
    sides = (large.height, large.width, small.height, small.width)
    if None in sides:
        return False
    height, width, lower, narrower = (side or 0 for side in sides)
    return height >= _SHRUNK * lower and width >= _SHRUNK * narrower


def _size(image: Image | None) -> str:
    return "?" if image is None else f"{image.height} x {image.width}"
