"""What losses share: how they reduce, weights of classes, and spellings of older versions of torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from registry_core.components import CheckFailed, Loss
from registry_core.components.forms import counted
from registry_core.components.types import NonNegativeFloat

Reduction = Literal["none", "mean", "sum"]
Weights = tuple[NonNegativeFloat, ...]

REDUCTION = "Mean over all elements of the batch, or their sum; none: the run takes the mean of the elements."
CLASS_WEIGHT = "A factor for each class, in the order of their numbers."

OLD_REDUCTIONS = {
    "size_average": "reduction: mean or reduction: sum",
    "reduce": "reduction: mean, reduction: sum or reduction: none",
    "reduction: elementwise_mean": "reduction: mean",
}


class Reducing(Loss):
    """What losses with a reduction share."""

    old_spellings: ClassVar[dict[str, str]] = OLD_REDUCTIONS

    reduction: Reduction = Field(default="mean", description=REDUCTION)


class Weighted(Reducing):
    """What losses with a weight for each class share."""

    weight: Weights | None = Field(default=None, description=CLASS_WEIGHT)

    @field_validator("weight")
    @classmethod
    def _some_count(cls, weight: Weights | None) -> Weights | None:
        if weight is not None and not any(weight):
            raise ValueError("with weights of 0 alone no sample counts; give at least one class more")
        return weight

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed unless there is one weight for each output."""
        for name in ("weight", "pos_weight"):
            weights = getattr(self, name, None)
            if weights is not None and outputs is not None and len(weights) != outputs:
                message = (
                    f"{name} has {counted(len(weights), 'value')}, but the model has {counted(outputs, 'output')}."
                )
                raise CheckFailed(message, "Give one for each class.")

    def arguments(self) -> dict[str, Any]:
        """The parameters as torch wants them: weights are float32 tensors."""
        return with_tensors(super().arguments(), "weight", "pos_weight")


def with_tensors(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    """The arguments with float32 tensors in the place of lists."""
    import torch  # declarations are light: torch is needed only to build

    for name in names:
        if arguments.get(name) is not None:
            arguments[name] = torch.tensor(arguments[name], dtype=torch.float32)
    return arguments
