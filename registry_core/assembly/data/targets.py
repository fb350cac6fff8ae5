"""Check targets against their form: classes in range, vectors of 0 and 1, and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry_core.analysis.targets import ignored_classes, reads_classes
from registry_core.assembly.data.reading import class_number
from registry_core.components import DataFacts
from registry_core.components.forms import TargetForm
from registry_core.config import Spec

_ALLOWED: dict[TargetForm, tuple[float, ...]] = {"multi_hot": (0, 1), "one_hot": (0, 1), "signs": (-1, 1)}
_BY_CLASS: tuple[TargetForm, ...] = ("multi_hot", "one_hot", "distributions")


@dataclass(frozen=True)
class TargetCheck:
    """The requirements on the targets of a section."""

    form: TargetForm
    classes: int | None
    """The number of classes; None: unknown."""
    ignored: frozenset[int] = frozenset()
    """Values among class indices that mean no class."""
    time_steps: int | None = None
    """The time steps of the model's output, if a loss needs one for each label and one between equal neighbours."""

    def problem(self, sample: Mapping[str, Any]) -> str:
        """The fault of the target of a sample, as a sentence; empty if there is none."""
        if "target" not in sample:
            return ""
        target = sample["target"]
        label = class_number(target) if self.form in ("class_indices", "any") else None
        if label is not None:
            known = self.form != "any" or self.classes is not None  # else it may be a value
            if not known or label in self.ignored or (label >= 0 and (self.classes is None or label < self.classes)):
                return ""
            return self._outside(np.asarray([label]), "label")
        values = _numbers(target)
        if self.form == "class_indices":
            kind = type(target).__name__ if values is None else _shown(values)
            return f"The target is not one class index, but {kind}."
        if values is None or not values.size:
            return ""
        if self.form in ("class_maps", "class_lists", "sequences"):
            counted = self._counted(values, sample)
            return self._outside(counted, "class index") or self._too_long(counted)
        return self._vector_problem(values)

    def _counted(self, values: NDArray[Any], sample: Mapping[str, Any]) -> NDArray[Any]:
        """The class indices, without values that mean no class."""
        if self.form == "sequences":
            length = class_number(sample.get("target_length"))
            return values if length is None else values.ravel()[:length]
        none = {-1} if self.form == "class_lists" else self.ignored
        kept: NDArray[Any] = values[~np.isin(values, list(none))]
        return kept

    def _outside(self, values: NDArray[Any], what: str) -> str:
        wrong = values[(values < 0) | (values >= self.classes)] if self.classes else values[values < 0]
        if not wrong.size:
            return ""
        limits = f"outside the classes 0 to {self.classes - 1}" if self.classes else "negative"
        more = f" {wrong.size:,} of {values.size:,} values are." if values.size > 1 else ""
        return f"The {what} {wrong.ravel()[0]} is {limits}.{more}"

    def _too_long(self, values: NDArray[Any]) -> str:
        if self.form != "sequences" or self.time_steps is None:
            return ""
        repeated = int((values[1:] == values[:-1]).sum())
        if values.size + repeated <= self.time_steps:
            return ""
        needed = f"{values.size + repeated} time steps, one for each label and a blank between equal neighbours"
        return f"The target has {values.size} labels and needs {needed}, but the model emits {self.time_steps}."

    def _vector_problem(self, values: NDArray[Any]) -> str:
        allowed = _ALLOWED.get(self.form)
        if self.classes and self.form in _BY_CLASS and values.size != self.classes:
            return f"The target has {values.size} values, but there are {self.classes} classes."
        if allowed and not np.isin(values, allowed).all():
            wrong = values[~np.isin(values, allowed)][0]
            return f"The target has the value {wrong:g}, which is neither {allowed[0]} nor {allowed[1]}."
        if self.form == "one_hot" and values.sum() != 1:
            return f"The target has {values.sum():g} classes at once, but needs exactly one."
        if self.form == "distributions" and (values.min() < 0 or abs(values.sum() - 1) > 1e-3):
            return (
                f"The target is no distribution: its values sum to {values.sum():g}, the smallest is {values.min():g}."
            )
        if self.form == "counts" and (values.min() < 0 or (values != np.floor(values)).any()):
            return f"The target is no count: {_shown(values)}."
        return ""


def target_check(spec: Spec, facts: DataFacts, train: DataFacts | None) -> TargetCheck:
    """The requirements on targets of data with these facts, and with the number of classes of the model if known."""
    classes = spec.model.num_outputs() or (train.num_classes if train else None)
    limits = [facts.num_classes, classes if reads_classes(spec, facts.target_form) else None]
    known = [limit for limit in limits if limit is not None]
    return TargetCheck(facts.target_form, min(known, default=None), ignored_classes(spec), _time_steps(spec))


def _time_steps(spec: Spec) -> int | None:
    shape = spec.model.output_shape()
    aligned = any(term.loss.aligns_sequences and "target" in term.inputs for term in spec.loss.terms())
    return shape[0] if aligned and shape is not None and len(shape) == 2 else None


def _numbers(target: Any) -> NDArray[Any] | None:
    try:
        values = np.asarray(target)
    except (TypeError, ValueError, RuntimeError):
        return None
    return values if values.dtype.kind in "biuf" else None


def _shown(values: NDArray[Any]) -> str:
    return f"the {values.dtype} {values.ravel()[0]:g}" if values.size == 1 else f"{values.size:,} values"
