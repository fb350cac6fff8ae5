"""Checks of shapes: what the model emits for a sample has as many sides and numbers as its target asks for."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.context import CheckContext
from registry_core.checks.forms import classified, compares_numbers, numbers_of, with_targets
from registry_core.checks.transforms import image_after
from registry_core.components import CheckFailed, DataFacts, Metric, Shape, written_shape
from registry_core.components.forms import TargetForm, words
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys, Problem

_SIDES: dict[TargetForm, int] = {
    "class_indices": 1,
    "class_lists": 1,
    "multi_hot": 1,
    "one_hot": 1,
    "distributions": 1,
    "sequences": 2,
    "class_maps": 3,
}
"""How many sides the output for a sample has where targets have this form."""

_REMEDIES = {
    1: "Pool if it is an image, and add flatten at the end.",
    2: "Use a model that emits a row for every column of the image, such as crnn.",
    3: "Use a model that emits numbers for every pixel, such as unet.",
}


def check_shapes(context: CheckContext) -> Iterator[Problem]:
    """What the model emits has the sides that the targets of its losses ask for."""
    shape = _emitted_shape(context, ("loss",))
    if shape is None:
        return
    for section, facts in with_targets(context):
        for term in context.spec.loss.terms():
            if not _compares(context.spec, term.inputs):
                continue
            if found := _misfit(shape, facts) or _other_size(context, section, shape, facts):
                yield context.problem(("model",), found.message, found.remedy)
            try:
                term.loss.check_shape(shape, facts)
            except CheckFailed as failed:
                code = "sequence-length" if facts.target_form == "sequences" else ""
                yield context.problem(("model",), failed.message, failed.remedy, code)


def check_metric_shapes(context: CheckContext) -> Iterator[Problem]:
    """Metrics that compare numbers with numbers are given as many of both."""
    spec = context.spec
    shape = _emitted_shape(context, ("metrics",))
    if shape is None:
        return
    for section, facts in with_targets(context):
        for index, metric in enumerate(spec.metrics):
            compares = section != "train" and _compares(spec, metric.inputs)
            if compares and (found := _metric_misfit(metric, shape, facts, spec)):
                yield context.problem(("metrics", index), found.message, found.remedy)


def _emitted_shape(context: CheckContext, part: Keys) -> Shape | None:
    """What the model emits for a sample; None if that is not known, or if the model or this part is broken."""
    model = context.spec.model
    return model.output_shape() if context.whole(("model",), part) and not model.errors() else None


def _compares(spec: Spec, takes: tuple[str, ...]) -> bool:
    """Whether what takes these entries compares the first output of the model with targets."""
    return takes[:1] == spec.model.outputs[:1] and "target" in takes


def _misfit(shape: Shape, facts: DataFacts) -> CheckFailed | None:
    sides = _SIDES.get(facts.target_form, 1 if numbers_of(facts) is not None else None)
    if sides is None or len(shape) == sides or (shape == () and numbers_of(facts) == 1):
        return None
    message = f"The model emits {_emitted(shape)} for a sample, but the target of a sample is"
    return CheckFailed(f"{message} {words(facts.target_form)}.", _REMEDIES[sides])


def _other_size(context: CheckContext, section: Section, shape: Shape, facts: DataFacts) -> CheckFailed | None:
    """Where every pixel has a class, the model emits as many pixels as the images have."""
    if facts.target_form != "class_maps" or len(shape) != 3:
        return None
    try:
        image = image_after(context.spec.data.sections()[section], facts.image)
    except CheckFailed:  # check_images says so
        return None
    given = (None, None) if image is None else (image.height, image.width)
    if any(None not in pair and pair[0] != pair[1] for pair in zip(shape[1:], given, strict=True)):
        message = f"The model emits {written_shape(shape[1:])} pixels for an image, but its target has"
        return CheckFailed(f"{message} {written_shape(given)}.", "Pad convolutions, or add upsample at the end.")
    return None


def _metric_misfit(metric: Metric, shape: Shape, facts: DataFacts, spec: Spec) -> CheckFailed | None:
    outputs, numbers = _counted(shape), None if compares_numbers(spec) else numbers_of(facts)
    if metric.elementwise and numbers is not None and (len(shape) > 1 or outputs not in (None, numbers)):
        message = f"The metric {metric.name!r} compares {_emitted(shape)} with {numbers}, the numbers of a target."
        return CheckFailed(message, "Use another metric, or let the model give as many numbers.")
    by_class = bool(metric.output_forms) and {*metric.get_target_forms()} in ({"class_indices"}, {"class_maps"})
    if by_class and not classified(spec) and None not in (outputs, facts.num_classes) and outputs != facts.num_classes:
        message = f"The metric {metric.name!r} takes an output for each class: the model has {outputs} outputs,"
        return CheckFailed(f"{message} and there are {facts.num_classes} classes.", f"Remove {metric.name}.")
    return None


def _counted(shape: Shape) -> int | None:
    """How many numbers the model emits for a sample, or for each pixel of it."""
    return shape[0] if shape else 1


def _emitted(shape: Shape) -> str:
    if len(shape) > 1:
        return written_shape(shape)
    return "one number" if _counted(shape) == 1 else f"a row of {_counted(shape)} numbers"
