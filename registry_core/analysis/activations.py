"""The activation between a model and a loss, and the remedies if no activation makes them fit."""

from __future__ import annotations

from typing import Literal

from registry_core.components import CheckFailed
from registry_core.components.forms import OutputForm, TargetForm, words
from registry_core.components.loss import LossTerm

Activation = Literal["log_softmax", "sigmoid"]

_INSERTED: dict[tuple[OutputForm, OutputForm], Activation] = {
    ("logits", "log_probabilities"): "log_softmax",
    ("logits", "probabilities"): "sigmoid",
}

_TAKEN_AS_THEY_ARE: frozenset[tuple[OutputForm, OutputForm]] = frozenset(
    {
        ("logits", "values"),
        ("logits", "embeddings"),
        ("probabilities", "values"),
        ("log_probabilities", "values"),
        ("values", "embeddings"),
    }
)
"""Pairs of the form of an output and the form that a loss expects that fit without an activation."""

_REMEDIES: dict[tuple[OutputForm, OutputForm], str] = {
    ("log_probabilities", "logits"): "Use nll, or let the model emit logits: leave out its last log_softmax.",
    ("probabilities", "logits"): "Let the model emit logits: leave out its last softmax or sigmoid.",
    ("probabilities", "log_probabilities"): "Let the model emit logits: leave out its last softmax or sigmoid.",
    ("log_probabilities", "probabilities"): "Let the model emit logits: leave out its last log_softmax.",
}


def activation_between(gives: OutputForm, takes: OutputForm) -> Activation | None:
    """The activation between a model and a loss, None if none is needed; CheckFailed if none makes them fit."""
    if "any" in (gives, takes) or gives == takes or (gives, takes) in _TAKEN_AS_THEY_ARE:
        return None
    if inserted := _INSERTED.get((gives, takes)):
        return inserted
    message = f"This loss expects {words(takes)}, but the model emits {words(gives)}."
    raise CheckFailed(message, _REMEDIES.get((gives, takes), f"Choose a loss for {words(gives)}."))


def activation_before(term: LossTerm, gives: tuple[str, ...], emits: OutputForm) -> Activation | None:
    """The activation before a loss, for a model with these outputs; CheckFailed if none makes them fit.

    A loss whose first argument is an entry of the samples needs none.
    """
    if not term.inputs or term.inputs[0] not in gives:
        return None
    return activation_between(emits, term.loss.output_form)


def remedy_for_target(gives: TargetForm, takes: tuple[TargetForm, ...], instead: str) -> str:
    """The remedy for targets that a loss does not accept; ``instead`` are alternatives, as ``, such as 'mse'``."""
    if gives == "class_indices" and "distributions" in takes:
        return f"Add one_hot to the transforms, or use another loss{instead}."
    data = f"data whose targets are {' or '.join(words(form) for form in takes)}"
    return f"Use another loss{instead}{',' if instead else ''} or {data}."
