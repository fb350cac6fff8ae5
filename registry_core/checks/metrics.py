"""Metrics: each can compare the output with the targets, has a unique name, and is measured if it is watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from registry_core.analysis.measured import WATCHING, direction_watched
from registry_core.analysis.targets import compares_classes, compares_values, values_in_target
from registry_core.checks.alternatives import other_metrics
from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.checks.model import compares_output, output_shape, values_in_output, written_output
from registry_core.components import CheckFailed, Component, DataFacts, Metric, Shape
from registry_core.components.forms import counted, taken, words
from registry_core.components.loss import LossTerm
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys, Problem, closest, near


@check("metric-input", after=("entries_are_there",))
def metrics_accept_outputs_and_targets(context: CheckContext) -> Iterator[Problem]:
    """Every metric can be called with the output of the model, and the targets of every section that is measured."""
    model, spec = context.analysis.model, context.spec
    targets: dict[Section, DataFacts] = {
        name: found.targets for name, found in context.sections() if name != "train" and found.targets
    }
    for number, metric in enumerate(spec.metrics):
        keys: Keys = ("metrics", number)
        if not context.whole(keys):
            continue
        asked = context.whole(("model",)) and metric.inputs[:1] and metric.inputs[0] in spec.model.outputs
        try:
            if asked:  # the form first, the number last: it means nothing for targets of another form
                metric.check_outputs(model.output_form, None)
            wrong = list(_targets_problems(context, keys, metric, targets))
            yield from wrong
            if asked and not wrong:
                metric.check_outputs(model.output_form, model.num_outputs)
                if _classes_are_looked_up(context):
                    metric.check_classes(context.analysis.num_classes)
        except CheckFailed as failed:
            yield context.refused_by(keys, metric, failed)


def _classes_are_looked_up(context: CheckContext) -> bool:
    """True if a number of classes that is not known is declared nowhere: the training data were looked at."""
    return context.analysis.train is not None and context.whole(("model",), ("data", "train"))


def _targets_problems(
    context: CheckContext, keys: Keys, metric: Metric, targets: Mapping[Section, DataFacts]
) -> Iterator[Problem]:
    accepted = metric.get_target_forms()
    for section, facts in targets.items() if "target" in metric.inputs else ():
        if not taken(facts.target_form, accepted):
            yield _other_targets(context, keys, metric, section, facts)
            continue
        try:
            metric.check_targets(facts)
        except CheckFailed as failed:
            yield context.refused_by(keys, metric, failed)


def _other_targets(context: CheckContext, keys: Keys, metric: Metric, section: Section, facts: DataFacts) -> Problem:
    given = words(facts.target_form)
    wanted = " or ".join(words(form) for form in metric.get_target_forms())
    message = f"The metric {metric.name!r} expects {wanted} as targets, but data.{section} provides {given}."
    instead = other_metrics(context.analysis, metric, facts.target_form) if context.whole(("model",)) else ""
    maker = context.analysis.sections[section].target_maker()
    use = f"a metric for {given}{instead}."
    return context.problem(keys, message, f"Remove {maker} there or use {use}" if maker else f"Use {use}")


@check("metric-input", after=("metrics_accept_outputs_and_targets",))
def metrics_have_shape_of_targets(context: CheckContext) -> Iterator[Problem]:
    """Metrics that compare value by value get outputs and targets of the same length."""
    spec = context.spec
    shape = output_shape(context, ("metrics",))
    if shape is None:
        return
    for name, section in context.sections():
        for index, metric in enumerate(spec.metrics if section.targets else ()):
            compares = name != "train" and compares_output(spec, metric.inputs)
            if compares and section.targets and (found := _wrong_shape(metric, shape, section.targets, spec)):
                yield context.rejected(("metrics", index), found)


def _wrong_shape(metric: Metric, shape: Shape, facts: DataFacts, spec: Spec) -> CheckFailed | None:
    outputs, values = values_in_output(shape), None if compares_values(spec) else values_in_target(facts)
    if metric.elementwise and values is not None and (len(shape) > 1 or outputs not in (None, values)):
        length = counted(values, "value")
        message = f"The metric {metric.name!r} compares {written_output(shape)} with a target of {length}."
        return CheckFailed(message, "Use another metric or let the model return as many values.")
    by_class = bool(metric.output_forms) and {*metric.get_target_forms()} in ({"class_indices"}, {"class_maps"})
    classes = facts.num_classes
    if by_class and not compares_classes(spec) and None not in (outputs, classes) and outputs != classes:
        message = f"The metric {metric.name!r} expects one output per class: the model has {outputs} outputs,"
        return CheckFailed(f"{message} but there are {classes} classes.", f"Remove {metric.name}.")
    return None


@check("duplicate-metric", after=("metrics_accept_outputs_and_targets", "metrics_have_shape_of_targets"))
def metrics_have_names_of_their_own(context: CheckContext) -> Iterator[Problem]:
    """No two metrics have the same name in the logs."""
    names = [metric.log_name(metric.name) for metric in context.spec.metrics]
    for index, name in enumerate(names):
        if name in names[:index] or name == "loss":
            message = f"Another metric has the name {name!r}, too."
            yield context.problem(("metrics", index), message, "Remove one of them.")


@warning("duplicate-metric")
def metrics_measure_different_things(context: CheckContext) -> Iterator[Problem]:
    """No metric always has the value of another one."""
    first: dict[tuple[str, tuple[str, ...]], str] = {}
    for index, metric in enumerate(context.spec.metrics):
        if not metric.measures:
            continue
        name = first.setdefault((metric.measures, metric.inputs), metric.log_name(metric.name))
        if name != metric.log_name(metric.name):
            message = f"{metric.name} is always equal to {name}: both are the {metric.measures}."
            yield context.problem(("metrics", index), message, "Remove one of them, or choose another average.")


@check("unknown-metric", after=("schedule_fits_run", "schedule_fits_optimizer"))
def watched_metrics_are_measured(context: CheckContext) -> Iterator[Problem]:
    """Every metric that a component watches is measured."""
    measured = context.analysis.metrics
    known = ("data", "val") not in context.broken
    for keys, component in context.analysis.watchers:
        if not known or not context.whole(keys, ("metrics",)):
            continue
        for parameter in WATCHING:
            watched = getattr(component, parameter, None)
            if isinstance(watched, str) and watched not in measured:
                yield _not_measured(context, keys, component, parameter, watched)


def _not_measured(context: CheckContext, keys: Keys, component: Component, parameter: str, watched: str) -> Problem:
    measured = context.analysis.metrics
    message = f"{parameter} names {watched!r}, which this run does not measure."
    at = context.parameter_of(keys, component, (parameter,))
    if watched.startswith("val/") and "val/loss" not in measured:
        return context.problem(at, f"{message} The run has no evaluations.", _to_evaluate(context.spec))
    likely = next(iter(closest(watched, measured)), "")
    return context.problem(at, message, near(watched, measured), instead=likely)


def _to_evaluate(spec: Spec) -> str:
    return "Add data.val." if spec.data.val is None else "Set train.evaluate_every to 1 epoch or remove it."


@warning("metric-direction")
def better_is_what_is_better(context: CheckContext) -> Iterator[Problem]:
    """The better direction of a component is that of the metric it watches."""
    measured = context.analysis.metrics
    for keys, component in context.analysis.watchers:
        watched = direction_watched(component)
        if watched is None or watched.metric not in measured or watched.better == measured[watched.metric]:
            continue
        message = f"{component.name} treats {watched.better} values of {watched.metric} as better"
        message += f", but {measured[watched.metric]} values are better."
        written = f"{watched.parameter}: {watched.value_for(measured[watched.metric])}"
        yield context.problem(context.inside(keys, (watched.parameter,)), message, f"Set {written}.")


@warning("ignored-classes")
def losses_and_metrics_ignore_the_same(context: CheckContext) -> Iterator[Problem]:
    """Targets that are no class to a metric are none to the loss, and classes that the loss ignores are not counted."""
    spec, classes = context.spec, context.analysis.num_classes
    terms = [term for term in spec.loss.terms() if compares_output(spec, term.inputs)]
    ignoring = [term for term in terms if isinstance(getattr(term.loss, "ignore_index", None), int)]
    if classes is None or not ignoring or not compares_classes(spec):
        return
    for index, metric in enumerate(spec.metrics):
        if compares_output(spec, metric.inputs) and _is_of_classes(metric):
            yield from _void(context, ("metrics", index), metric, ignoring, classes)
            for term in ignoring:
                yield from _ignored(context, metric, term, classes)


def _is_of_classes(metric: Metric) -> bool:
    return "ignore_index" in type(metric).model_fields or bool({"class_indices", "class_maps"} & {*metric.target_forms})


def _void(
    context: CheckContext, keys: Keys, metric: Metric, ignoring: Sequence[LossTerm], classes: int
) -> Iterator[Problem]:
    """The metric ignores targets that are no class, and the loss does not."""
    void = getattr(metric, "ignore_index", None)
    if (
        void is None
        or void in range(classes)
        or void in [getattr(term.loss, "ignore_index", None) for term in ignoring]
    ):
        return
    message = f"The metric {metric.name!r} ignores the targets {void}, which are none of the {classes} classes"
    message += f", but the loss {ignoring[0].loss.name!r} does not, and cannot be computed for them."
    remedy = f"Set ignore_index of the loss to {void}, too, or remove it here."
    yield context.problem(context.inside(keys, ("ignore_index",)), message, remedy)


def _ignored(context: CheckContext, metric: Metric, term: LossTerm, classes: int) -> Iterator[Problem]:
    """The loss ignores a class of the model, and the metric counts it."""
    ignored = getattr(term.loss, "ignore_index", None)
    if ignored in range(classes) and getattr(metric, "ignore_index", None) != ignored:
        message = f"The loss {term.loss.name!r} ignores the class {ignored}, but the metric {metric.name!r} counts it."
        at = context.inside(context.inside(("loss",), term.at), ("ignore_index",))
        yield context.problem(at, message, "Let both ignore the same class, or none.")
