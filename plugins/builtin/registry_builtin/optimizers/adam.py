"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.optimizers.parameters import (
    BETAS,
    EPS,
    FOREACH,
    FUSED,
    LR,
    MAXIMIZE,
    PENALTY,
    Decay,
    OfDenseGradients,
    refuse_fused_foreach,
)
from registry_core.components.types import NonNegativeFloat, PositiveFloat


class Adam(OfDenseGradients):
    """Adam: steps scaled by running averages of the gradient and its square.

    Weight decay is added to the gradient and is therefore scaled as well; ``adamw`` decouples it. ``fused: true`` takes
    about a third of the time on a CPU, but rounds differently in the last digit. Source: Kingma and Ba, "Adam", ICLR
    2015; ``torch.optim.Adam``.
    """

    target = "torch.optim:Adam"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-8, 0.05)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.001}

    lr: PositiveFloat = Field(default=1e-3, description=LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description=BETAS)
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    amsgrad: bool = Field(
        default=False, description="Divide by the maximum of all averages so far (Reddi et al., ICLR 2018)."
    )
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)
    fused: bool | None = Field(default=None, description=FUSED)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        refuse_fused_foreach(self.fused, self.foreach)
        return self


class AdamW(Adam):
    """Adam with decoupled weight decay.

    Each step first shrinks the weights by ``lr * weight_decay``. ``fused: true`` takes a third to a fifth of the time
    on a CPU, but rounds differently in the last digit. Source: Loshchilov and Hutter, "Decoupled weight decay
    regularization", ICLR 2019; ``torch.optim.AdamW``.
    """

    target = "torch.optim:AdamW"
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.001, "weight_decay": 0.05}

    weight_decay: NonNegativeFloat = Field(
        default=1e-2, description="Decoupled weight decay: each step shrinks the weights by lr times this."
    )

    def decay_of_weights(self) -> float:
        """Return the weight decay, which is decoupled."""
        return self.weight_decay
