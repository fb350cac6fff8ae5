"""Variants of Adam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.optimizers.parameters import (
    BETAS,
    DECOUPLED,
    EPS,
    FOREACH,
    FOREACH_ROUNDS,
    LR,
    MAXIMIZE,
    PENALTY,
    Decay,
    OfDenseGradients,
    OfTorch,
    listed,
)
from registry_core.components import CheckFailed, ParameterFacts
from registry_core.components.types import NonNegativeFloat, PositiveFloat


class Adamax(OfDenseGradients):
    """Adam with the infinity norm: an exponentially weighted maximum of gradients replaces the average of squares.

    Source: Kingma and Ba, "Adam", ICLR 2015, section 7; ``torch.optim.Adamax``.
    """

    target = "torch.optim:Adamax"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-8, 0.05)

    lr: PositiveFloat = Field(default=2e-3, description=LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description="Decay of the average and of the maximum.")
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)


class NAdam(OfDenseGradients):
    """Adam with Nesterov momentum.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016; ``torch.optim.NAdam``.
    """

    target = "torch.optim:NAdam"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-8, 0.05)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.002}

    lr: PositiveFloat = Field(default=2e-3, description=LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description=BETAS)
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    momentum_decay: NonNegativeFloat = Field(default=4e-3, description="Rate at which the momentum rises to betas[0].")
    decoupled_weight_decay: bool = Field(default=False, description=DECOUPLED)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH_ROUNDS)

    def decay_of_weights(self) -> float:
        """Return the weight decay if it is decoupled."""
        return self.weight_decay if self.decoupled_weight_decay else 0.0


class RAdam(OfDenseGradients):
    """Rectified Adam: the first steps omit the scaling until the average of squares is reliable.

    No separate warm-up is needed. Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR
    2020; ``torch.optim.RAdam``.
    """

    target = "torch.optim:RAdam"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-8, 0.05)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.001}

    lr: PositiveFloat = Field(default=1e-3, description=LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description=BETAS)
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    decoupled_weight_decay: bool = Field(default=False, description=DECOUPLED)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)

    def decay_of_weights(self) -> float:
        """Return the weight decay if it is decoupled."""
        return self.weight_decay if self.decoupled_weight_decay else 0.0


class SparseAdam(OfTorch):
    """Adam for sparse gradients: updates only the rows, and their averages, that the gradient contains.

    Every parameter must have a sparse gradient, such as that of an embedding with ``sparse=True`` (the model
    ``sparse_bag``). Weight decay is not available. Source: Kingma and Ba, "Adam", ICLR 2015;
    ``torch.optim.SparseAdam``.
    """

    target = "torch.optim:SparseAdam"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-8, 0.5)

    lr: PositiveFloat = Field(default=1e-3, description=LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description=BETAS)
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    maximize: bool = Field(default=False, description=MAXIMIZE)

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for parameters with dense gradients."""
        dense = [parameter.name for parameter in parameters if not parameter.sparse]
        if dense:
            raise CheckFailed(
                f"The optimizer {self.name!r} requires sparse gradients, but those of {listed(dense)} are dense.",
                "Use adam, or a model with sparse gradients such as sparse_bag.",
            )
