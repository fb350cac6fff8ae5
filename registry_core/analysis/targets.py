"""The relation of outputs and targets in a loss: class by class, value by value, or otherwise."""

from __future__ import annotations

from registry_core.components import DataFacts
from registry_core.components.forms import TargetForm
from registry_core.components.loss import LossTerm
from registry_core.config.models import Spec

_BY_CLASS = {"class_indices", "class_maps", "class_lists", "multi_hot", "distributions", "sequences"}
"""Forms of targets with one class per output of the model."""


def compares_classes(spec: Spec) -> bool:
    """True if a loss compares the outputs of the model with the classes of the data, one output per class."""
    return any(_BY_CLASS & set(term.loss.target_forms) and _compares(term) for term in spec.loss.terms())


def compares_values(spec: Spec) -> bool:
    """True if a loss compares the outputs of the model with targets, other than as embeddings."""
    return any(_compares(term) for term in spec.loss.terms())


def _compares(term: LossTerm) -> bool:
    return term.loss.output_form != "embeddings" and "target" in term.inputs


def values_in_target(facts: DataFacts) -> int | None:
    """The length of a target that is a vector of values; None if it is none, or if its length is unknown."""
    if facts.num_values is not None and facts.target_form in ("values", "counts", "signs"):
        return facts.num_values
    return facts.num_classes if facts.target_form in ("multi_hot", "one_hot", "distributions", "signs") else None


def classes_in_targets(spec: Spec, facts: DataFacts, targets: DataFacts | None, num_classes: int | None) -> int | None:
    """The number that class indices of a data set with these facts must be below; None if targets are none.

    ``targets`` are the facts after the transforms. Whole numbers of a data set that declares values are no classes,
    and neither are those of an undeclared one if no loss reads class indices.
    """
    if facts.target_form not in ("any", "class_indices") or not reads_classes(spec, (targets or facts).target_form):
        return None
    made_of_signs = targets is not None and (targets.target_form, targets.num_values) == ("signs", 1)
    return None if made_of_signs else num_classes


def reads_classes(spec: Spec, form: TargetForm) -> bool:
    """True if a loss reads targets of this form as classes of the model's outputs."""
    return _accepts(spec, "class_indices") if form == "any" else compares_classes(spec)


def reads_class_maps(spec: Spec, form: TargetForm) -> bool:
    """True if targets of this form are class maps to a loss; undeclared ones if a loss accepts class maps."""
    return form == "class_maps" or (form == "any" and _accepts(spec, "class_maps"))


def _accepts(spec: Spec, form: TargetForm) -> bool:
    """True if a loss that compares the outputs of the model with targets accepts this form of them."""
    return any(form in term.loss.target_forms and _compares(term) for term in spec.loss.terms())


def ignored_classes(spec: Spec) -> frozenset[int]:
    """The values among class indices that mean no class to a loss."""
    found = {getattr(term.loss, "ignore_index", None) for term in spec.loss.terms()}
    return frozenset(value for value in found if value is not None)


def void_class(spec: Spec, num_classes: int | None) -> int | None:
    """The index of targets that mean no class: losses ignore it, and it is none of the model's classes.

    None if no loss says so, or losses differ.
    """
    found = {value for value in ignored_classes(spec) if value >= 0}
    return next(iter(found)) if len(found) == 1 and num_classes is not None and min(found) >= num_classes else None
