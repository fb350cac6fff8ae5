"""The relation of outputs and targets in a loss: class by class, value by value, or otherwise."""

from __future__ import annotations

from registry_core.components import DataFacts
from registry_core.config.models import Spec

_BY_CLASS = {"class_indices", "class_maps", "class_lists", "multi_hot", "distributions", "sequences"}
"""Forms of targets with one class per output of the model."""


def compares_classes(spec: Spec) -> bool:
    """True if a loss compares the outputs of the model with the classes of the data, one output per class."""
    return any(
        _BY_CLASS & set(term.loss.target_forms) and term.loss.output_form != "embeddings" and "target" in term.inputs
        for term in spec.loss.terms()
    )


def compares_values(spec: Spec) -> bool:
    """True if a loss compares the outputs of the model with targets, other than as embeddings."""
    return any("target" in term.inputs and term.loss.output_form != "embeddings" for term in spec.loss.terms())


def values_in_target(facts: DataFacts) -> int | None:
    """The length of a target that is a vector of values; None if it is none, or if its length is unknown."""
    if facts.num_values is not None and facts.target_form in ("values", "counts", "signs"):
        return facts.num_values
    return facts.num_classes if facts.target_form in ("multi_hot", "one_hot", "distributions", "signs") else None


def classes_in_targets(spec: Spec, targets: DataFacts | None, num_classes: int | None) -> int | None:
    """The number that every class index among the targets must be below; None if targets are no class indices."""
    made_of_signs = targets is not None and (targets.target_form, targets.num_values) == ("signs", 1)
    return num_classes if compares_classes(spec) and not made_of_signs else None
