"""Doubts: what runs, and hardly does what is meant. They are raised of pipelines in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from registry_core.analysis.measured import direction_watched, metric_names, watchers
from registry_core.checks.context import CheckContext
from registry_core.checks.length_doubts import (
    check_accumulation,
    check_averaging,
    check_evaluations,
    check_intervals,
    check_patience,
    check_schedule,
)
from registry_core.checks.transforms import follow_images, placed_transforms
from registry_core.components import Hook, Image, Transform
from registry_core.config.models import Section
from registry_core.diagnostics import Problem

_TOLERANCE = 0.05
"""Ranges of values are told apart if an end differs by more than this share of them."""


def doubts(context: CheckContext) -> list[Problem]:
    """All warnings about a pipeline without errors, each with the code of its check."""
    found = ((code, problem) for code, one in DOUBTS for problem in one(context))
    return [problem._replace(code=code, warning=True) for code, problem in found]


def check_values_on_the_way(context: CheckContext) -> Iterator[Problem]:
    """No transform is given values that it is not meant for."""
    for name, section in context.spec.data.sections().items():
        facts = context.survey.facts.get(name)
        image = facts.image if facts else None
        for (keys, transform), followed in zip(placed_transforms(section), follow_images(section, image), strict=True):
            for failed in transform.warnings(image) if image is not None else ():
                yield context.failed(("data", name, *keys), transform, failed)
            image = followed.image


def check_same_range(context: CheckContext) -> Iterator[Problem]:
    """The model is measured on values of the range that it was trained with."""
    if any(True for _ in check_values_on_the_way(context)):
        return  # what is wrong there makes the range
    trained = _last_image(context, "train")
    for name in context.spec.data.sections():
        image = _last_image(context, name)
        if name == "train" or trained is None or image is None or not _differ(trained, image):
            continue
        message = f"The model is given {_range(image)} of data.{name}, and {_range(trained)} of data.train."
        remedy = "Give both the same normalize, and what else moves all values."
        yield context.problem(("data", name, "transforms"), message, remedy)


def check_same_data(context: CheckContext) -> Iterator[Problem]:
    """What is measured was not trained on."""
    train = context.spec.data.train.dataset
    for name, section in context.spec.data.sections().items():
        if name != "train" and section.dataset == train:
            message = f"data.{name} is the data set of data.train, so that it measures what was learnt by heart."
            yield context.problem(("data", name, "dataset"), message, "Use data that are not trained on.")


def check_random_evaluation(context: CheckContext) -> Iterator[Problem]:
    """Transforms outside of training are not random."""
    for name, section in context.spec.data.sections().items():
        for keys, transform in placed_transforms(section) if name != "train" else ():
            if _draws(transform):
                message = f"{transform.name} changes data.{name} at random, and with it what is measured."
                yield context.problem(("data", name, *keys), message, "Use it in data.train alone.")


def check_directions(context: CheckContext) -> Iterator[Problem]:
    """Who watches a metric takes for better what is."""
    measured = metric_names(context.spec)
    for keys, component in watchers(context.spec):
        watched = direction_watched(component)
        if watched is None or watched.metric not in measured or watched.better == measured[watched.metric]:
            continue
        message = f"{component.name} takes {watched.better} values of {watched.metric} for better"
        message += f", and {measured[watched.metric]} ones are."
        written = f"{watched.parameter}: {watched.value_for(measured[watched.metric])}"
        yield context.problem(context.inside(keys, (watched.parameter,)), message, f"Set {written}.")


def check_last_layer(context: CheckContext) -> Iterator[Problem]:
    """The parts of the model do what such parts are for."""
    model = context.spec.model
    for failed in model.warnings():
        yield context.failed(("model",), model, failed)


def check_hooks_once(context: CheckContext) -> Iterator[Problem]:
    """No two hooks do the same, or the same to the same file."""
    hooks = context.spec.hooks
    for index, hook in enumerate(hooks):
        if any(_in_each_others_way(hook, other) for other in hooks[:index]):
            message = f"The hook {hook.name!r} stands here a second time{_alike(hook)}."
            yield context.problem(("hooks", index), message, "Make one of both.")


def _in_each_others_way(hook: Hook, other: Hook) -> bool:
    if type(hook) is not type(other):
        return False
    by = hook.distinct_by
    return hook == other if by is None else all(getattr(hook, name) == getattr(other, name) for name in by)


def _alike(hook: Hook) -> str:
    names = hook.distinct_by or ()
    return f" with the same {' and '.join(names)}" if names else ""


def _last_image(context: CheckContext, name: Section) -> Image | None:
    facts = context.survey.facts.get(name)
    image = facts.image if facts else None
    for followed in follow_images(context.spec.data.sections()[name], image):
        image = followed.image
    return image


def _differ(one: Image, other: Image) -> bool:
    ends = (one.low, one.high, other.low, other.high)
    if None in ends:
        return False
    low, high, other_low, other_high = (float(end or 0) for end in ends)
    allowed = _TOLERANCE * max(high - low, other_high - other_low)
    return abs(low - other_low) > allowed or abs(high - other_high) > allowed


def _range(image: Image) -> str:
    return f"values from {image.low:.4g} to {image.high:.4g}"


def _draws(transform: Transform) -> bool:
    always = getattr(transform, "p", None) in (0, 1)
    return transform.random == "counter" and not (always and not transform.children())


DOUBTS: tuple[tuple[str, Callable[[CheckContext], Iterator[Problem]]], ...] = (
    ("transform-effect", check_values_on_the_way),
    ("value-range", check_same_range),
    ("same-data", check_same_data),
    ("random-evaluation", check_random_evaluation),
    ("metric-direction", check_directions),
    ("schedule-course", check_schedule),
    ("beyond-run", check_intervals),
    ("beyond-run", check_patience),
    ("beyond-run", check_accumulation),
    ("beyond-run", check_averaging),
    ("no-evaluation", check_evaluations),
    ("last-layer", check_last_layer),
    ("duplicate-hook", check_hooks_once),
)
"""Every doubt, with the code of what it finds."""
