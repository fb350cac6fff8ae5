"""Losses for multi-label classification: each class of a sample is present or absent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from registry_builtin.losses.parameters import Reducing, Weighted, Weights
from registry_core.components import CheckFailed, DataFacts, RunFacts
from registry_core.components.forms import OutputForm, TargetForm


class BCE(Weighted):
    """Binary cross entropy between probabilities and targets, per class.

    Output: probabilities [batch, classes], from 0 to 1; sigmoid is inserted if the model emits logits (in that case
    ``bce_with_logits`` is numerically more stable). Target: floats of the same shape, from 0 (absent) to 1 (present).
    The mean is not divided by ``weight``. Source: ``torch.nn.BCELoss``.
    """

    target = "registry_builtin.objects.losses:bce"
    output_form: ClassVar[OutputForm] = "probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("multi_hot", "distributions")

    def loss_of_a_guess(self, classes: int) -> float | None:
        """Return the logarithm of 2, that of a probability of 0.5."""
        return None if self.is_sum or self.weight is not None else math.log(2)

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return the range of probabilities."""
        return 0.0, 1.0


class BCEWithLogits(Weighted):
    """Binary cross entropy between logits and targets, per class.

    Output: logits [batch, classes], floating point, without sigmoid. Target: floats of the same shape, from 0 (absent)
    to 1 (present); integers are not converted here, so the data set or a transform must produce floats. The mean is not
    divided by ``weight``. Source: ``torch.nn.BCEWithLogitsLoss``.
    """

    target = "registry_builtin.objects.losses:bce_with_logits"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("multi_hot", "distributions")

    pos_weight: Weights | None = Field(default=None, description="Weight of positive targets, one per class.")

    def loss_of_a_guess(self, classes: int) -> float | None:
        """Return the logarithm of 2, that of a probability of 0.5."""
        return None if self.is_sum or self.weight is not None or self.pos_weight is not None else math.log(2)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of weights of 0, and of positive weights that are all 1."""
        found = list(super().warnings(facts))
        weights = self.pos_weight or ()
        none = [index for index, weight in enumerate(weights) if not weight]
        if none:
            message = f"pos_weight of class {none[0]} is 0, so the model learns that the class is never present."
            found.append(CheckFailed(message, "Set a weight above 0.", ("pos_weight",), code="loss-options"))
        elif weights and set(weights) == {1.0}:
            message = "pos_weight is 1 for every class, which has no effect."
            found.append(CheckFailed(message, "Change or remove pos_weight.", ("pos_weight",), code="loss-options"))
        return found


class MultiLabelMargin(Reducing):
    """Hinge loss between the scores of the classes that are present and all others.

    Output: scores [batch, classes]. Target: int64 [batch, classes], the indices of the classes that are present, padded
    with -1. The sum of max(0, 1 - present + absent) over all pairs, divided by the number of classes. Source:
    ``torch.nn.MultiLabelMarginLoss``.
    """

    target = "torch.nn:MultiLabelMarginLoss"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_lists",)

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return scores that differ by twice the margin, which is 1."""
        return -1.0, 1.0


class SoftMargin(Reducing):
    """Logistic loss of scores and signs: log(1 + exp(-sign * score)).

    Output: scores, floating point. Target: floats of the same shape, 1 or -1. Source: ``torch.nn.SoftMarginLoss``.
    """

    target = "registry_builtin.objects.losses:soft_margin"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return all numbers: the loss approaches 0 for infinite scores."""
        return -math.inf, math.inf


class MultiLabelSoftMargin(Weighted):
    """Binary cross entropy between logits and targets, averaged over the classes of each sample.

    Output: logits [batch, classes]. Target: floats of the same shape, 1 if a class is present, else 0. Source:
    ``torch.nn.MultiLabelSoftMarginLoss``.
    """

    target = "registry_builtin.objects.losses:multi_label_soft_margin"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("multi_hot", "distributions")

    def loss_of_a_guess(self, classes: int) -> float | None:
        """Return the logarithm of 2, that of a probability of 0.5."""
        return None if self.is_sum or self.weight is not None else math.log(2)
