"""Losses and entries: every loss can compare the output of the model with the targets of the data."""

from __future__ import annotations

from collections.abc import Iterator

from registry_core.analysis.activations import remedy_for_target
from registry_core.analysis.sections import SectionAnalysis
from registry_core.checks.alternatives import other_losses
from registry_core.checks.check import check
from registry_core.checks.context import CheckContext
from registry_core.components import CheckFailed
from registry_core.components.dataset import USUAL_ENTRIES
from registry_core.components.forms import taken, words
from registry_core.components.loss import LossTerm
from registry_core.config.models import Section
from registry_core.diagnostics import Keys, Problem


@check("shared-name")
def outputs_are_no_entries(context: CheckContext) -> Iterator[Problem]:
    """No output of the model has the name of an entry: a loss that reads this name would get either of them."""
    if not context.whole(("model",)):
        return
    model = context.spec.model
    for name, keys, owner in context.analysis.shared_names:
        message = f"{name!r} is both an output of the model {model.name!r} and an entry of {owner}"
        remedy = "Rename the output in `outputs` of the model"
        remedy += "." if name in USUAL_ENTRIES else ", or the entry."
        yield context.problem(keys, f"{message}, so losses and metrics cannot tell them apart.", remedy)


@check("missing-entry", after=("model_accepts_images",))
def entries_are_there(context: CheckContext) -> Iterator[Problem]:
    """The inputs of the model, of losses and of metrics are entries of the samples, or outputs of the model."""
    spec = context.spec
    if not context.whole(("model",), ("loss",)) or context.analysis.shared_names:  # an output will be renamed
        return
    for name, section in context.analysis.sections.items():
        entries = section.facts.entries
        if entries is None:
            continue
        if missing := [entry for entry in spec.model.inputs if entry not in entries]:
            message = f"The model reads {_listed(missing)}, {_which_lacks(name, entries)}"
            yield context.problem(("model",), message, "Use another model or data with this entry.")
        known = {*entries, *spec.model.outputs}
        for keys, owner, inputs in _readers(context, name):
            missing = [entry for entry in inputs if entry not in known]
            if missing and context.whole(keys):
                which = f"{_which_lacks(name, entries)} The model returns {_listed(spec.model.outputs)}."
                remedy = "Use a model that returns it, data with this entry, or another name here."
                yield context.problem(keys, f"The {owner} reads {_listed(missing)}, {which}", remedy)


def _readers(context: CheckContext, section: Section) -> Iterator[tuple[Keys, str, tuple[str, ...]]]:
    """The losses and, outside of training, metrics: their keys, a name for them, and their inputs."""
    for term in context.spec.loss.terms():
        yield _at(context, term), f"loss {term.loss.name!r}", term.inputs
    for index, metric in enumerate(context.spec.metrics if section != "train" else ()):
        yield ("metrics", index), f"metric {metric.name!r}", metric.inputs


@check("loss-input", after=("entries_are_there",))
def losses_accept_outputs(context: CheckContext) -> Iterator[Problem]:
    """Every loss can be called with the output of the model, or an activation between them makes it fit."""
    if not context.whole(("model",), ("loss",)) or context.analysis.shared_names:
        return
    for found in context.analysis.terms:
        term = found.term
        try:
            if wrong := _reads_wrongly(term, context.spec.model.outputs):
                raise wrong
            if found.error:
                raise found.error
            if found.reads_model:
                term.loss.check_outputs(context.analysis.model.num_outputs)
        except CheckFailed as failed:
            yield context.refused_by(_at(context, term), term.loss, failed)


def _reads_wrongly(term: LossTerm, outputs: tuple[str, ...]) -> CheckFailed | None:
    """The refusal of a loss that compares something with itself, or does not depend on the model."""
    twice = next((name for name in term.inputs if term.inputs.count(name) > 1), None)
    if twice is not None:
        return CheckFailed(
            f"The loss {term.loss.name!r} compares {twice!r} with itself.", "Name another entry as target."
        )
    if term.inputs and not {*term.inputs} & {*outputs}:
        message = f"The loss {term.loss.name!r} reads {_listed(term.inputs)}, but no output of the model"
        return CheckFailed(f"{message}, so nothing is trained.", f"Let it read {' or '.join(map(repr, outputs))}.")
    return None


@check("target-form", after=("losses_accept_outputs",))
def losses_accept_targets(context: CheckContext) -> Iterator[Problem]:
    """Every loss can be called with the targets of the data."""
    if not context.whole(("loss",)):
        return
    for name, section in context.sections():
        for term in context.spec.loss.terms() if section.targets else ():
            if "target" in term.inputs:
                yield from _accepts_targets(context, name, section, term)


def _accepts_targets(
    context: CheckContext, name: Section, section: SectionAnalysis, term: LossTerm
) -> Iterator[Problem]:
    assert section.targets is not None
    given, accepted = section.targets.target_form, term.loss.target_forms
    if not taken(given, accepted):
        wanted = " or ".join(words(form) for form in accepted)
        message = f"This loss expects {wanted} as targets, but data.{name} provides {words(given)}."
        instead = other_losses(context.analysis, term.loss, given) if context.whole(("model",)) else ""
        remedy = remedy_for_target(given, accepted, instead)
        if maker := section.target_maker():
            remedy = f"Remove {maker} there or use another loss{instead}."
        yield context.problem(_at(context, term), message, remedy)
        return
    try:
        term.loss.check_targets(section.targets)
    except CheckFailed as failed:
        yield context.refused_by(_at(context, term), term.loss, failed)


def _at(context: CheckContext, term: LossTerm) -> Keys:
    return context.inside(("loss",), term.at)


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def _which_lacks(section: Section, entries: tuple[str, ...]) -> str:
    return f"which the samples of data.{section} do not have; they have {_listed(entries)}."
