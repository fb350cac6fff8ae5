"""Parameters that several losses share: reduction, class weights, and old spellings of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from registry_core.components import CheckFailed, Loss, ParameterError, RunFacts
from registry_core.components.forms import counted
from registry_core.components.types import NonNegativeFloat

Reduction = Literal["none", "mean", "sum"]
Weights = tuple[NonNegativeFloat, ...]

REDUCTION = "mean or sum over all elements of the batch; with none, the run averages the elements."
CLASS_WEIGHT = "One weight per class, in the order of their indices."

OLD_REDUCTIONS = {
    "size_average": "reduction: mean or reduction: sum",
    "reduce": "reduction: mean, reduction: sum or reduction: none",
    "reduction: elementwise_mean": "reduction: mean",
}


class Reducing(Loss):
    """Base of losses with a reduction."""

    old_spellings: ClassVar[dict[str, str]] = OLD_REDUCTIONS

    reduction: Reduction = Field(default="mean", description=REDUCTION)


class Weighted(Reducing):
    """Base of losses with one weight per class."""

    weight: Weights | None = Field(default=None, description=CLASS_WEIGHT)

    @field_validator("weight")
    @classmethod
    def _some_count(cls, weight: Weights | None) -> Weights | None:
        if weight is not None and not any(weight):
            raise ParameterError(
                "all weights are 0, so no sample contributes", "Set a weight above 0 for at least one class"
            )
        return weight

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of classes with a weight of 0, where each sample has a class of its own."""
        if self.weight is None or facts.target_form == "class_maps":  # there it leaves out the background
            return ()
        none = [index for index, weight in enumerate(self.weight) if not weight]
        if not none:
            return ()
        message = f"The weight of class {none[0]} is 0, so the model does not learn it."
        return (CheckFailed(message, "Set a weight above 0 for every class.", ("weight",), code="loss-options"),)

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed unless there is one weight per output."""
        for name in ("weight", "pos_weight"):
            weights = getattr(self, name, None)
            if weights is not None and outputs is not None and len(weights) != outputs:
                message = (
                    f"{name} has {counted(len(weights), 'value')}, but the model has {counted(outputs, 'output')}."
                )
                raise CheckFailed(message, "Write one value per class.")

    def arguments(self) -> dict[str, Any]:
        """Return the parameters in torch's form, with weights as float32 tensors."""
        return with_tensors(super().arguments(), "weight", "pos_weight")


class WeightedMean(Weighted):
    """Base of losses whose mean is divided by the sum of the weights."""

    def loss_of_a_guess(self, classes: int) -> float | None:
        """Return the logarithm of the number of classes."""
        return None if self.is_sum else math.log(classes)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of weights of 0, and of weights that are all equal."""
        if self.weight is None or self.reduction != "mean" or len(self.weight) < 2 or len(set(self.weight)) > 1:
            return super().warnings(facts)
        message = "All weights are equal. They have no effect, because the mean is divided by their sum."
        return (
            CheckFailed(message, "Write a weight for each class, or remove weight.", ("weight",), code="loss-options"),
        )


def with_tensors(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the arguments with the named lists converted to float32 tensors."""
    import torch  # declarations do not import torch; only building does

    for name in names:
        if arguments.get(name) is not None:
            arguments[name] = torch.tensor(arguments[name], dtype=torch.float32)
    return arguments
