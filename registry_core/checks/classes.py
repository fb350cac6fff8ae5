"""Classes and values: the model has an output for each class of the data, or for each value of a target."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.targets import compares_classes, compares_values, values_in_target
from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.components import DataFacts
from registry_core.components.class_names import NO_CLASSES, list_of, quoted
from registry_core.components.forms import counted
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Problem

_EXCLUSIVE = {"class_indices", "class_maps"}
"""Forms of targets with one class."""

_NAMED = 12
"""The number of classes that a message names."""


@check("class-count", after=("model_accepts_images", "data_is_found"))
def outputs_are_classes(context: CheckContext) -> Iterator[Problem]:
    """The classes of the data are those of the model, and the same in every section."""
    spec = context.spec
    if not context.whole(("model",), ("loss",)) or not compares_classes(spec):
        return
    found = context.analysis.sections.items()
    names = {name: section.facts.class_names for name, section in found if section.facts.class_names}
    for name, facts in _targets_as_far_as_known(context):
        if name != "train" and "train" in names and name in names and names[name] != names["train"]:
            yield _other_classes(context, name, names[name], names["train"])
        elif (facts.target_form, facts.num_values) != ("signs", 1):  # such signs are made from two class indices
            yield from _other_number(context, name, facts)


@check("class-count", after=("outputs_are_classes",))
def classes_are_several(context: CheckContext) -> Iterator[Problem]:
    """A loss that compares classes by a softmax gets more than one output."""
    spec, outputs = context.spec, context.analysis.model.num_outputs
    if outputs != 1 or not context.whole(("model",), ("loss",)) or not _has_one_class(context):
        return
    for found in context.analysis.terms:
        loss = found.term.loss
        by_softmax = loss.output_form in ("logits", "log_probabilities") and _EXCLUSIVE & set(loss.target_forms)
        if by_softmax and found.reads_model:
            keys = context.parameter_of(("model",), spec.model, ("num_classes",))
            message = (
                f"The model has 1 output, but {loss.name!r} compares classes: with one class, the loss is always 0."
            )
            remedy = (
                "Use an output for each of at least two classes, or a loss for single outputs such as bce_with_logits."
            )
            yield context.problem(keys, message, remedy)
            return


def _has_one_class(context: CheckContext) -> bool:
    """True if targets are class indices, and no more than one class is known of."""
    found = [section.targets for _, section in context.sections() if section.targets is not None]
    return bool(found) and all(
        facts.target_form in _EXCLUSIVE and facts.num_classes in (None, 1) and not facts.largest_label
        for facts in found
    )


def _other_number(context: CheckContext, section: Section, facts: DataFacts) -> Iterator[Problem]:
    outputs = context.analysis.model.num_outputs
    if outputs is not None and facts.num_classes is not None and facts.num_classes != outputs:
        classes = "1 class" if facts.num_classes == 1 else f"{facts.num_classes} classes"
        names = facts.class_names if facts.num_classes == 1 or facts.num_classes > outputs else ()
        named = f": {quoted(names, _NAMED)}" if names else ""
        message = f"The model has {counted(outputs, 'output')}, but data.{section} has {classes}{named}."
        yield context.problem(("model",), message, _fewer_classes(context, section, outputs))
    if outputs is not None and facts.largest_label is not None and facts.largest_label >= outputs:
        has, largest, smallest = counted(outputs, "output"), facts.largest_label, facts.smallest_label
        message, remedy = f"The model has {has}, but data.{section} has the label {largest}.", f"{largest + 1} or more"
        remedy = _set_outputs(context.spec, remedy)
        if smallest == 1 and largest == outputs:
            message = f"The model has {has}, but the labels of data.{section} are 1 to {largest}:"
            message, remedy = f"{message} no image has the label 0.", "Count the labels from 0."
        yield context.problem(("model",), message, remedy)


def _fewer_classes(context: CheckContext, section: Section, outputs: int) -> str:
    """The remedy for another number of classes than outputs, which names what is probably no class."""
    facts = context.analysis.sections[section].facts
    number, names = facts.num_classes or 0, facts.class_names
    remedy = _set_outputs(context.spec, f"{number}")
    if number == 1 and names:
        return f"{remedy} If {names[0]!r} is a folder that contains the class folders, read that folder instead."
    known = [other.facts.class_names for other in context.analysis.sections.values()]
    elsewhere = [set(other) for other in known if len(other) == outputs]
    stray = [name for name in names if name.lower() in NO_CLASSES or any(name not in other for other in elsewhere)]
    if not 0 < len(stray) <= number - outputs:
        return remedy
    are = "is no class, remove it" if len(stray) == 1 else "are no classes, remove them"
    return f"{remedy} If {quoted(stray, _NAMED)} {are} instead."


def _other_classes(
    context: CheckContext, section: Section, names: tuple[str, ...], trained: tuple[str, ...]
) -> Problem:
    what = f"The classes of data.{section} are not those of data.train"
    lacking, more = (sorted(set(one) - set(other)) for one, other in ((trained, names), (names, trained)))
    differences = [f"it {verb} {quoted(some)}" for verb, some in (("lacks", lacking), ("also has", more)) if some]
    message = f"{what}: {' and '.join(differences) or 'they are in another order'}."
    remedy = "Use the same classes in the same order: otherwise a label means different classes."
    parameter = context.spec.data.sections()[section].dataset.names_classes_in
    if parameter and any(name.lower() not in NO_CLASSES for name in lacking):
        remedy += f" If a class has no images in data.{section}, name all: {list_of(trained, parameter)}."
    return context.problem(("data", section, "dataset"), message, remedy)


@check("value-count", after=("outputs_are_classes",))
def outputs_are_values(context: CheckContext) -> Iterator[Problem]:
    """The model returns as many values for a sample as a target has."""
    if not context.whole(("model",), ("loss",)) or not compares_values(context.spec):
        return
    outputs = context.analysis.model.num_outputs
    for section, facts in _targets_as_far_as_known(context):
        wanted = values_in_target(facts)
        if None not in (outputs, wanted) and outputs != wanted:
            numbers = counted(wanted or 0, "value")
            gives = counted(outputs or 0, "value")
            message = f"The model returns {gives} for a sample, but a target of data.{section} has {numbers}."
            yield context.problem(("model",), message, f"Let the model return {wanted}.")


def _targets_as_far_as_known(context: CheckContext) -> Iterator[tuple[Section, DataFacts]]:
    """The facts of each section with its targets, or those of its data set if transforms hide the targets."""
    whole = dict(context.sections())
    for name, section in context.analysis.sections.items():
        known = section.targets if name in whole else None
        yield name, known or section.facts


def _set_outputs(spec: Spec, number: str) -> str:
    has_parameter = "num_classes" in type(spec.model).model_fields
    return f"Set num_classes to {number}." if has_parameter else f"Let its last layer return {number}."
