"""Checks of what flows between data, model, loss and metrics: entries, forms of outputs and targets, classes."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.activations import activation_before, remedy_for_target
from registry_core.checks.alternatives import other_losses, other_metrics
from registry_core.checks.context import CheckContext
from registry_core.checks.transforms import changed_by, facts_after
from registry_core.components import CheckFailed, DataFacts, Metric
from registry_core.components.forms import counted, taken, words
from registry_core.components.loss import LossTerm
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys, Problem

_BY_CLASS = {"class_indices", "class_maps", "class_lists", "multi_hot", "distributions", "sequences"}
"""Forms of targets whose classes are the outputs of the model."""


def classified(spec: Spec) -> bool:
    """Whether the loss compares the outputs of the model with classes of the data, one output a class."""
    return any(
        _BY_CLASS & set(term.loss.target_forms) and term.loss.output_form != "embeddings" and "target" in term.inputs
        for term in spec.loss.terms()
    )


def check_entries(context: CheckContext) -> Iterator[Problem]:
    """Model, losses and metrics take entries that the samples have, or what the model gives."""
    spec = context.spec
    if not context.whole(("model",), ("loss",)):
        return
    for section, facts in context.survey.facts.items():
        if facts.entries is None:
            continue
        missing = [entry for entry in spec.model.inputs if entry not in facts.entries]
        if missing:
            yield context.problem(
                ("model",),
                f"The model takes {_listed(missing)}, {_which_lacks(section, facts)}",
                "Use another model, or data that have it.",
            )
        known = {*facts.entries, *spec.model.outputs}
        takers: list[tuple[Keys, str, tuple[str, ...]]] = [
            (_at(context, term), f"loss {term.loss.name!r}", term.inputs) for term in spec.loss.terms()
        ]
        if section != "train":
            takers += [(("metrics", n), f"metric {m.name!r}", m.inputs) for n, m in enumerate(spec.metrics)]
        for keys, owner, takes in takers:
            missing = [entry for entry in takes if entry not in known]
            if missing and context.whole(keys):
                which = f"{_which_lacks(section, facts)} The model gives {_listed(spec.model.outputs)}."
                remedy = "Use a model that gives it, data that have it, or something else here."
                yield context.problem(keys, f"The {owner} takes {_listed(missing)}, {which}", remedy)


def check_forms(context: CheckContext) -> Iterator[Problem]:
    """Every loss takes what the model emits, and as many of it, or an activation between them makes it fit."""
    if not context.whole(("model",), ("loss",)):
        return
    model = context.spec.model
    for term in context.spec.loss.terms():
        try:
            activation_before(term, model.outputs, model.get_output_form())
            if term.inputs and term.inputs[0] in model.outputs:
                term.loss.check_outputs(model.num_outputs())
        except CheckFailed as failed:
            yield context.failed(_at(context, term), term.loss, failed)


def check_targets(context: CheckContext) -> Iterator[Problem]:
    """Every loss takes the targets that the data give."""
    if not context.whole(("loss",)):
        return
    for section, facts in with_targets(context):
        gives = facts.target_form
        for term in context.spec.loss.terms():
            takes = term.loss.target_forms
            if "target" in term.inputs and not taken(gives, takes):
                wanted = " or ".join(words(form) for form in takes)
                message = f"This loss takes {wanted} as targets, but data.{section} gives {words(gives)}."
                instead = other_losses(context.spec, term.loss, gives) if context.whole(("model",)) else ""
                remedy = f"{remedy_for_target(gives, takes)[:-1]}{instead}."
                maker = changed_by(context.spec, section, context.survey.facts[section])
                remedy = f"Remove {maker} there, or use another loss{instead}." if maker else remedy
                yield context.problem(_at(context, term), message, remedy)
            elif "target" in term.inputs:
                try:
                    term.loss.check_targets(facts)
                except CheckFailed as failed:
                    yield context.failed(_at(context, term), term.loss, failed)


def check_metric_forms(context: CheckContext) -> Iterator[Problem]:
    """Every metric takes what the model emits, and the targets of every section that is measured."""
    spec = context.spec
    targets: dict[Section, DataFacts] = {name: facts for name, facts in with_targets(context) if name != "train"}
    for number, metric in enumerate(spec.metrics):
        keys: Keys = ("metrics", number)
        if not context.whole(keys):
            continue
        asked = context.whole(("model",)) and metric.inputs[:1] and metric.inputs[0] in spec.model.outputs
        try:
            if asked:  # first what they are, at last how many: of targets of another form their number says nothing
                metric.check_outputs(spec.model.get_output_form(), None)
            wrong = list(_check_metric_targets(context, keys, metric, targets))
            yield from wrong
            if asked and not wrong:
                metric.check_outputs(spec.model.get_output_form(), spec.model.num_outputs())
        except CheckFailed as failed:
            yield context.failed(keys, metric, failed)


def _check_metric_targets(
    context: CheckContext, keys: Keys, metric: Metric, targets: dict[Section, DataFacts]
) -> Iterator[Problem]:
    if "target" in metric.inputs:
        for section, facts in targets.items():
            yield from _check_metric_target(context, keys, metric, section, facts)


def _check_metric_target(
    context: CheckContext, keys: Keys, metric: Metric, section: Section, facts: DataFacts
) -> Iterator[Problem]:
    gives, takes, spec = facts.target_form, metric.get_target_forms(), context.spec
    if taken(gives, takes):
        try:
            metric.check_targets(facts)
        except CheckFailed as failed:
            yield context.failed(keys, metric, failed)
        return
    wanted = " or ".join(words(form) for form in takes)
    message = f"The metric {metric.name!r} takes {wanted} as targets, but data.{section} gives {words(gives)}."
    instead = other_metrics(spec, metric, gives) if context.whole(("model",)) else ""
    remedy = f"se a metric for {words(gives)}{instead}."
    maker = changed_by(spec, section, context.survey.facts[section])
    yield context.problem(keys, message, f"Remove {maker} there, or u{remedy}" if maker else f"U{remedy}")


def check_classes(context: CheckContext) -> Iterator[Problem]:
    """The classes of the data are those of the model, and the same in every section."""
    spec = context.spec
    if not context.whole(("model",), ("loss",)) or not classified(spec):
        return
    outputs = spec.model.num_outputs()
    names = {section: facts.class_names for section, facts in context.survey.facts.items() if facts.class_names}
    for section, facts in _as_far_as_known(context):
        if section != "train" and "train" in names and section in names and names[section] != names["train"]:
            yield _other_classes(context, section, names[section], names["train"])
            continue
        if (facts.target_form, facts.num_values) == ("signs", 1):  # made of the numbers of two classes
            continue
        if outputs is not None and facts.num_classes is not None and facts.num_classes != outputs:
            message = f"The model has {counted(outputs, 'output')}, but data.{section} has {facts.num_classes} classes."
            yield context.problem(("model",), message, _set_outputs(spec, f"{facts.num_classes}"))
        if outputs is not None and facts.largest_label is not None and facts.largest_label >= outputs:
            has = counted(outputs, "output")
            message = f"The model has {has}, but data.{section} has the label {facts.largest_label}."
            yield context.problem(("model",), message, _set_outputs(spec, f"{facts.largest_label + 1} or more"))


def _other_classes(
    context: CheckContext, section: Section, names: tuple[str, ...], trained: tuple[str, ...]
) -> Problem:
    """What to say where labels of a section mean other classes than in training."""
    what = f"The classes of data.{section} are not those of data.train"
    lacking, more = (sorted(set(one) - set(other)) for one, other in ((trained, names), (names, trained)))
    parts = [f"it {verb} {_some(found)}" for verb, found in (("lacks", lacking), ("has besides", more)) if found]
    message = f"{what}: {' and '.join(parts) or 'they are in another order'}."
    remedy = "Give both the same classes, in the same order: else labels mean different classes."
    return context.problem(("data", section, "dataset"), message, remedy)


def _some(names: list[str]) -> str:
    return _listed(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def compares_numbers(spec: Spec) -> bool:
    """Whether a loss compares what the model emits with targets, other than as embeddings."""
    return any("target" in term.inputs and term.loss.output_form != "embeddings" for term in spec.loss.terms())


def numbers_of(facts: DataFacts) -> int | None:
    """How many numbers a target has, where it is made of numbers."""
    if facts.num_values is not None and facts.target_form in ("values", "counts", "signs"):
        return facts.num_values
    return facts.num_classes if facts.target_form in ("multi_hot", "one_hot", "distributions", "signs") else None


def check_values(context: CheckContext) -> Iterator[Problem]:
    """Where targets are made of numbers, the model emits as many."""
    spec = context.spec
    if not context.whole(("model",), ("loss",)) or not compares_numbers(spec):
        return
    outputs = spec.model.num_outputs()
    for section, facts in _as_far_as_known(context):
        wanted = numbers_of(facts)
        if None not in (outputs, wanted) and outputs != wanted:
            numbers = counted(wanted or 0, "number")
            gives = counted(outputs or 0, "value")
            message = f"The model gives {gives} for a sample, but a target of data.{section} has {numbers}."
            yield context.problem(("model",), message, f"Let the model give {wanted}.")


def with_targets(context: CheckContext) -> Iterator[tuple[Section, DataFacts]]:
    """The facts of each section with its targets as losses and metrics get them."""
    sections = context.spec.data.sections()
    for section, facts in context.survey.facts.items():
        if not context.whole(("data", section)):
            continue
        try:
            yield section, facts_after(sections[section], facts)
        except CheckFailed:  # check_target_transforms says so
            continue


def _as_far_as_known(context: CheckContext) -> Iterator[tuple[Section, DataFacts]]:
    """The same, and the facts of the data set where what its transforms make of the targets is not known."""
    known = dict(with_targets(context))
    for section, facts in context.survey.facts.items():
        yield section, known.get(section, facts)


def _set_outputs(spec: Spec, number: str) -> str:
    has_parameter = "num_classes" in type(spec.model).model_fields
    return f"Set num_classes to {number}." if has_parameter else f"Let its last layer give {number}."


def _at(context: CheckContext, term: LossTerm) -> Keys:
    return context.inside(("loss",), term.at)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def _which_lacks(section: Section, facts: DataFacts) -> str:
    return f"which the samples of data.{section} do not have; they have {_listed(facts.entries or ())}."
