"""Muon: orthogonalized momentum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.optimizers.parameters import LR, Decay, OfDenseGradients
from registry_core.components import CheckFailed, ParameterFacts
from registry_core.components.types import NonNegativeFloat, PositiveFloat

Steps = Annotated[int, Field(ge=1, lt=100)]


class Muon(OfDenseGradients):
    """Muon: momentum orthogonalized per weight matrix, so that all directions of a step have equal magnitude.

    All trained parameters must have 2 dimensions: weights of linear layers, not biases or convolutions. The
    orthogonalization uses Newton-Schulz iterations in bfloat16. Source: Jordan et al., "Muon: an optimizer for hidden
    layers in neural networks", 2024; Liu et al., "Muon is scalable for LLM training", arXiv:2502.16982, 2025;
    ``torch.optim.Muon``.
    """

    target = "torch.optim:Muon"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-7, 0.5)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.02, "weight_decay": 0.01}

    lr: PositiveFloat = Field(default=1e-3, description=LR)
    weight_decay: NonNegativeFloat = Field(
        default=0.1, description="Decoupled weight decay: each step shrinks the weights by lr times this."
    )
    momentum: Decay = Field(default=0.95, description="Decay of the running average of the gradient.")
    nesterov: bool = Field(default=True, description="If true, uses Nesterov momentum.")
    ns_coefficients: tuple[float, float, float] = Field(
        default=(3.4445, -4.775, 2.0315), description="Coefficients of the Newton-Schulz iteration."
    )
    eps: NonNegativeFloat = Field(default=1e-7, description="Lower bound of the norm that the momentum is divided by.")
    ns_steps: Steps = Field(default=5, description="Number of Newton-Schulz iterations.")
    adjust_lr_fn: Literal["original", "match_rms_adamw"] | None = Field(
        default=None,
        description="Adjustment of lr to the shape of the matrix: original (or null) follows Jordan; "
        "match_rms_adamw allows learning rates tuned for adamw.",
    )

    def decay_of_weights(self) -> float:
        """Return the weight decay, which is decoupled."""
        return self.weight_decay

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for parameters that are not matrices or have sparse gradients."""
        others = [f"{parameter.name} {list(parameter.shape)}" for parameter in parameters if len(parameter.shape) != 2]
        if others:
            some = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
            raise CheckFailed(
                f"The optimizer {self.name!r} requires parameters with 2 dimensions, but receives {some}.",
                "Use a model of linear layers without biases, freeze the other parameters, or use adamw.",
            )
        super().check_parameters(parameters)
