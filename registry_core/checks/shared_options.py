"""Options that a loss shares with the data and the metrics: ignored classes, logarithms, the domain of outputs."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.checks.check import warning
from registry_core.checks.context import CheckContext
from registry_core.components import Loss, Metric
from registry_core.components.loss import LossTerm
from registry_core.diagnostics import Keys, Problem

_NO_CLASS = frozenset(
    ("background", "void", "ignore", "ignored", "unlabeled", "unlabelled", "unknown", "other", "none")
)
"""Names of classes that are left out on purpose."""


@warning("loss-options", after=("losses_and_metrics_ignore_the_same",))
def ignored_classes_are_none(context: CheckContext) -> Iterator[Problem]:
    """A loss ignores no class that the data have, unless the metrics ignore it too."""
    for term in context.spec.loss.terms():
        ignored = ignored_by(term.loss)
        if ignored is None or "target" not in term.inputs:
            continue
        keys = _option(context, term, "ignore_index")
        if _is_class(context, ignored) and not _left_out(context, ignored):
            named = _name_of(context, ignored)
            message = f"ignore_index is {ignored}, which is the class {named}: the model does not learn it."
            remedy = "Remove ignore_index, or set it to a value that means no class."
            yield context.problem(keys, message, remedy)


@warning("metric-options")
def metrics_read_the_same_outputs(context: CheckContext) -> Iterator[Problem]:
    """Metrics of values read outputs as logarithms exactly if the loss does."""
    for term in context.spec.loss.terms():
        for index, metric in enumerate(context.spec.metrics):
            pair = (term.loss.is_logarithmic, metric.is_logarithmic)
            if None in pair or pair[0] == pair[1] or term.inputs[:2] != metric.inputs[:2]:
                continue
            as_loss = "logarithms" if pair[0] else "values"
            message = f"The loss {term.loss.name!r} reads outputs as {as_loss}, but {metric.name} does not."
            keys = context.parameter_of(("metrics", index), metric, ("log_output",))
            yield context.problem(
                keys, message, f"Set log_output of {metric.name} to {'true' if pair[0] else 'false'}."
            )


@warning("loss-options")
def outputs_are_in_the_domain(context: CheckContext) -> Iterator[Problem]:
    """A loss is defined for every output that the model can return."""
    end = context.analysis.model.output_end
    for found in context.analysis.terms if end is not None else ():
        loss = found.term.loss
        if end is None or not found.reads_model or end.low >= loss.least_output:
            continue
        message = f"{loss.name} is not defined for outputs below {loss.least_output:g}, but {end.name} can return some"
        yield context.problem(
            _option(context, found.term, "log_input"),
            f"{message}: the loss becomes NaN.",
            "Set log_input: true, so that outputs are logarithms, or end the model with a layer such as relu.",
        )


def ignored_by(component: Loss | Metric) -> int | None:
    """The class index that a loss or metric ignores; None if there is none, or only a negative one."""
    ignored = getattr(component, "ignore_index", None)
    return ignored if type(ignored) is int and ignored >= 0 else None


def _is_class(context: CheckContext, index: int) -> bool:
    return index < (context.analysis.num_classes or 0)


def _left_out(context: CheckContext, index: int) -> bool:
    """True if a class is left out on purpose: by its name, or because all metrics of pixels ignore it, too."""
    train = context.analysis.train
    if train is None or train.targets is None:
        return True
    if train.targets.target_form == "class_maps":
        measured = [metric for metric in context.spec.metrics if hasattr(metric, "ignore_index")]
        return all(ignored_by(metric) == index for metric in measured)
    if train.targets.target_form != "class_indices":
        return True
    names = train.facts.class_names
    return index < len(names) and names[index].lower() in _NO_CLASS


def _name_of(context: CheckContext, index: int) -> str:
    names = context.analysis.train.facts.class_names if context.analysis.train else ()
    return repr(names[index]) if index < len(names) else str(index)


def _option(context: CheckContext, term: LossTerm, parameter: str) -> Keys:
    """The place of a parameter of a loss."""
    return context.parameter_of(context.inside(("loss",), term.at), term.loss, (parameter,))
