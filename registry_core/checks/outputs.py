"""Outputs that the targets of a loss lie beyond: the last layer of the model limits them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from registry_core.analysis.model import TermAnalysis
from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.components import DataFacts
from registry_core.components.forms import TargetForm
from registry_core.components.model import OutputEnd
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem

_INDEPENDENT: tuple[TargetForm, ...] = ("multi_hot", "class_lists")
"""Forms of targets with several classes at once."""

_ANYTHING = (-math.inf, math.inf)


@check("loss-input", after=("losses_accept_outputs", "losses_accept_targets"))
def classes_do_not_exclude_each_other(context: CheckContext) -> Iterator[Problem]:
    """No softmax precedes a loss that compares the probability of each class with targets of several classes."""
    if not context.whole(("model",), ("loss",)):
        return
    end, outputs = context.analysis.model.output_end, context.analysis.model.num_outputs
    if end is None or not end.sums_to_one or outputs == 1:
        return
    for section, _, facts in _compared(context):
        if facts.target_form in _INDEPENDENT:
            message = f"The probabilities after {end.name} sum to 1 over the classes, but a target of data.{section}"
            yield context.problem(
                _at(context, end),
                f"{message} has several classes at once.",
                f"Use sigmoid in the place of {end.name}: it returns the probability of each class by itself.",
            )
            return


@warning("last-layer")
def outputs_reach_targets(context: CheckContext) -> Iterator[Problem]:
    """The last layer can return what the loss needs for the targets."""
    end = context.analysis.model.output_end
    for section, term, facts in _compared(context) if end is not None else ():
        assert end is not None
        low, high = _ANYTHING if term.activation else term.term.loss.output_range(facts)
        if term.term.loss.output_form == "embeddings":
            continue
        if (low, high) == _ANYTHING and (flaw := _limits(end)):
            message = f"The last layer, {end.name}, changes the outputs: {flaw}."
            remedy = f"Remove {end.name}: this loss expects the output before it."
            yield context.problem(_at(context, end), message, remedy)
        elif (low is not None and low < end.low - _margin(end)) or (
            high is not None and high > end.high + _margin(end)
        ):
            yield _beyond(context, end, section, low, high)
        elif end.flaw and term.term.loss.output_form in ("logits", "log_probabilities", "values"):
            message = f"The last layer, {end.name}, changes the outputs: {end.flaw}."
            yield context.problem(_at(context, end), message, f"Remove {end.name}, or move it before the last weights.")


@warning("sequence-length", after=("outputs_reach_targets",))
def sequences_have_time_steps(context: CheckContext) -> Iterator[Problem]:
    """The output of the model has enough time steps for the targets of its losses."""
    shape = context.analysis.model.output_shape
    for _, found, facts in _compared(context) if shape is not None else ():
        assert shape is not None
        for failed in found.term.loss.shape_warnings(shape, facts):
            yield context.rejected(context.inside(("loss",), found.term.at), failed)


def _compared(context: CheckContext) -> Iterator[tuple[Section, TermAnalysis, DataFacts]]:
    """The terms of the loss that compare the first output of the model with targets, for each section."""
    for name, section in context.sections():
        for found in context.analysis.terms:
            compares = found.term.inputs[:1] == context.spec.model.outputs[:1] and "target" in found.term.inputs
            if compares and section.targets is not None:
                yield name, found, section.targets


def _at(context: CheckContext, end: OutputEnd) -> Keys:
    return context.parameter_of(("model",), context.spec.model, end.at)


def _limits(end: OutputEnd) -> str:
    """The reason why the outputs are no logits; empty if they are unbounded."""
    if end.low == -math.inf and end.high == math.inf:
        return ""
    if end.high == math.inf:
        return "none can be negative" if end.low == 0 else f"none can be below {end.low:.4g}"
    return "none can be positive" if end.low == -math.inf else f"all are between {end.low:.4g} and {end.high:.4g}"


def _margin(end: OutputEnd) -> float:
    """The rounding of bounds that were computed."""
    sides = [abs(side) for side in (end.low, end.high) if math.isfinite(side)]
    return 1e-6 * max(sides, default=1.0)


def _beyond(context: CheckContext, end: OutputEnd, section: Section, low: float | None, high: float | None) -> Problem:
    wanted = f"from {_side(low)} to {_side(high)}"
    given = f"between {end.low:.4g} and {end.high:.4g}"
    if end.high == math.inf:
        given = f"of at least {end.low:.4g}"
    elif end.low == -math.inf:
        given = f"of at most {end.high:.4g}"
    message = f"The last layer, {end.name}, returns values {given}, but the targets of data.{section} need outputs"
    remedy = f"Remove {end.name}, or use targets within these limits."
    return context.problem(_at(context, end), f"{message} {wanted}.", remedy, "unreachable-target")


def _side(value: float | None) -> str:
    return "any number" if value is None or not math.isfinite(value) else f"{value:.4g}"
