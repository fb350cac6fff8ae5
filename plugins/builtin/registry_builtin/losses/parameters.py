"""Parameters that several losses share: reduction, class weights, and old spellings of torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from registry_core.components import CheckFailed, Loss, ParameterError
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


def with_tensors(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the arguments with the named lists converted to float32 tensors."""
    import torch  # declarations do not import torch; only building does

    for name in names:
        if arguments.get(name) is not None:
            arguments[name] = torch.tensor(arguments[name], dtype=torch.float32)
    return arguments
