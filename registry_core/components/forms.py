"""What models emit, what data give as targets, and what a loss needs in between."""

from __future__ import annotations

from typing import Literal

from registry_core.components.facts import CheckFailed

OutputForm = Literal["logits", "log_probabilities", "probabilities", "values", "embeddings", "any"]
"""What a model emits: scores before an activation, their log-softmax, numbers from 0 to 1, values, or embeddings."""

TargetForm = Literal[
    "class_indices",
    "class_maps",
    "class_lists",
    "multi_hot",
    "signs",
    "values",
    "counts",
    "distributions",
    "sequences",
    "any",
]
"""What a target is.

- ``class_indices``: int64, one class a sample
- ``class_maps``: int64 [height, width], one class a pixel
- ``class_lists``: int64 [classes], the numbers of the classes that are there, the rest -1
- ``multi_hot``: float [classes], 1 where a class is there, else 0
- ``signs``: float, 1 or -1, one a sample or one a class
- ``values``: float
- ``counts``: float, whole and not negative
- ``distributions``: float [classes], summing to 1
- ``sequences``: int64 [longest], padded, with the entry ``target_length``
- ``any``: not known
"""

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
        ("embeddings", "values"),
    }
)
"""Pairs of what a model emits and what a loss takes that fit without an activation."""

_REMEDIES: dict[tuple[OutputForm, OutputForm], str] = {
    ("log_probabilities", "logits"): "Use nll, or let the model emit logits: leave out its last log_softmax.",
    ("probabilities", "logits"): "Let the model emit logits: leave out its last softmax or sigmoid.",
    ("probabilities", "log_probabilities"): "Let the model emit logits: leave out its last softmax or sigmoid.",
    ("log_probabilities", "probabilities"): "Let the model emit logits: leave out its last log_softmax.",
}


_WORDS = {"class_indices": "class numbers", "multi_hot": "multi-hot vectors", "log_probabilities": "log-probabilities"}


def words(form: OutputForm | TargetForm) -> str:
    """A form as words: ``class numbers``."""
    return _WORDS.get(form, form.replace("_", " "))


def activation_between(gives: OutputForm, takes: OutputForm) -> Activation | None:
    """The activation between a model and a loss, None if nothing is needed; CheckFailed if nothing makes them fit."""
    if "any" in (gives, takes) or gives == takes or (gives, takes) in _TAKEN_AS_THEY_ARE:
        return None
    if inserted := _INSERTED.get((gives, takes)):
        return inserted
    message = f"This loss takes {words(takes)}, but the model emits {words(gives)}."
    raise CheckFailed(message, _REMEDIES.get((gives, takes), f"Choose a loss that takes {words(gives)}."))


def remedy_for_target(gives: TargetForm, takes: tuple[TargetForm, ...]) -> str:
    """What to do about data whose targets a loss cannot take."""
    if gives == "class_indices" and {"multi_hot", "distributions", "values"} & set(takes):
        return "Add one_hot to the transforms, or use cross_entropy."
    if gives == "class_indices":
        return f"Use cross_entropy, or data whose targets are {' or '.join(words(form) for form in takes)}."
    return f"Use data whose targets are {' or '.join(words(form) for form in takes)}, or another loss."
