"""Losses: how far the model's output is from the target."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from registry_core.components import Loss
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.types import NonNegativeFloat, Probability

Reduction = Literal["mean", "sum"]
Weights = tuple[NonNegativeFloat, ...]

_REDUCTION = "Mean over all elements of the batch, or their sum."


class CrossEntropy(Loss):
    """Cross entropy between logits and class numbers.

    Output: logits [batch, classes] (or [batch, classes, height, width]), floating point, not softmaxed. Target: class
    numbers [batch] (or [batch, height, width]), int64 from 0 to classes - 1. With ``weight``, the mean is divided by
    the sum of the weights of the targets. Source: ``torch.nn.CrossEntropyLoss``; label smoothing as in Szegedy et al.,
    "Rethinking the Inception architecture", CVPR 2016.
    """

    target: ClassVar[str] = "torch.nn:CrossEntropyLoss"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps", "distributions")

    weight: Weights | None = Field(default=None, description="A factor for each class, in the order of their numbers.")
    ignore_index: int = Field(default=-100, description="Targets with this number count for nothing.")
    reduction: Reduction = Field(default="mean", description="Mean over the targets of the batch, or their sum.")
    label_smoothing: Probability = Field(default=0.0, description="Share of each target spread over all classes.")

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: weights are float32 tensors."""
        return _with_tensors(super().arguments(), "weight")


class MSE(Loss):
    """Mean squared error.

    Output and target: floating point, of the same shape. Targets that are whole numbers, such as class numbers, must be
    made floats of the output's shape by the data set or a transform; nothing is converted here.
    Source: ``torch.nn.MSELoss``.
    """

    target: ClassVar[str] = "torch.nn:MSELoss"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("values",)

    reduction: Reduction = Field(default="mean", description=_REDUCTION)


class L1(Loss):
    """Mean absolute error.

    Output and target: floating point, of the same shape. Targets that are whole numbers, such as class numbers, must be
    made floats of the output's shape by the data set or a transform; nothing is converted here.
    Source: ``torch.nn.L1Loss``.
    """

    target: ClassVar[str] = "torch.nn:L1Loss"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("values",)

    reduction: Reduction = Field(default="mean", description=_REDUCTION)


class BCEWithLogits(Loss):
    """Binary cross entropy between logits and truth values, one for each class.

    Output: logits [batch, classes], floating point, without sigmoid. Target: floats of the same shape, from 0 (absent)
    to 1 (present); whole numbers must be made floats by the data set or a transform, nothing is converted here.
    Source: ``torch.nn.BCEWithLogitsLoss``.
    """

    target: ClassVar[str] = "torch.nn:BCEWithLogitsLoss"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("multi_hot", "distributions")

    weight: Weights | None = Field(default=None, description="A factor for each class; the mean is not divided by it.")
    pos_weight: Weights | None = Field(default=None, description="For each class, a factor on the targets that are 1.")
    reduction: Reduction = Field(default="mean", description=_REDUCTION)

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: weights are float32 tensors."""
        return _with_tensors(super().arguments(), "weight", "pos_weight")


def _with_tensors(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    import torch  # declarations are light: torch is needed only to build

    for name in names:
        if arguments[name] is not None:
            arguments[name] = torch.tensor(arguments[name], dtype=torch.float32)
    return arguments
