"""Steps scaled by the magnitude of past gradients: Adagrad and its variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.optimizers.parameters import (
    EPS,
    FOREACH,
    FOREACH_ROUNDS,
    FUSED,
    LR,
    MAXIMIZE,
    PENALTY,
    Decay,
    OfDenseGradients,
    OfTorch,
    refuse_fused_foreach,
    refuse_sparse,
)
from registry_core.components import CheckFailed, ParameterFacts, RunFacts
from registry_core.components.types import NonNegativeFloat, PositiveFloat


class Adagrad(OfTorch):
    """Adagrad: steps scaled by the root of the sum of all squared gradients, which favours rarely updated weights.

    ``fused: true`` rounds differently in the last digit. Sparse gradients are supported without weight decay and
    ``fused``. Source: Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 2011; ``torch.optim.Adagrad``.
    """

    target = "torch.optim:Adagrad"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-7, 1.0)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.05}

    lr: PositiveFloat = Field(default=1e-2, description=LR)
    lr_decay: NonNegativeFloat = Field(
        default=0.0, description="Learning rate decay: after t steps the learning rate is lr / (1 + t * lr_decay)."
    )
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    initial_accumulator_value: NonNegativeFloat = Field(default=0.0, description="Initial value of the sum of squares.")
    eps: PositiveFloat = Field(default=1e-10, description=EPS)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)
    fused: bool | None = Field(default=None, description=FUSED)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        refuse_fused_foreach(self.fused, self.foreach)
        return self

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn if the rate vanishes within the run, and of what all optimizers warn of."""
        found = [*super().warnings(facts)]
        steps = facts.horizon.total_steps if facts.horizon else 0
        if 1 + steps * self.lr_decay > 1000:
            message = (
                f"The learning rate of {self.name!r} falls to 1/{1 + steps * self.lr_decay:.0f} of lr in {steps} steps."
            )
            found.append(CheckFailed(message, "Set a smaller lr_decay.", ("lr_decay",)))
        return found

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for sparse gradients with weight decay or ``fused``."""
        if self.weight_decay:
            refuse_sparse(
                self, parameters, "does not support weight decay with sparse gradients", "Set weight_decay to 0."
            )
        if self.fused:
            refuse_sparse(self, parameters, "does not support sparse gradients with fused", "Remove fused.")


class Adadelta(OfDenseGradients):
    """Adadelta: steps scaled by the ratio of two running averages, of squared steps and of squared gradients.

    With the paper's learning rate of 1, the step size follows from the data. Source: Zeiler, "ADADELTA: an adaptive
    learning rate method", arXiv:1212.5701, 2012; ``torch.optim.Adadelta``.
    """

    target = "torch.optim:Adadelta"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-4, 10.0)

    lr: PositiveFloat = Field(default=1.0, description="Factor of the step.")
    rho: Decay = Field(default=0.9, description="Decay of both averages.")
    eps: PositiveFloat = Field(
        default=1e-6, description="Constant added to both averages; determines the size of the first steps."
    )
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)


class RMSprop(OfDenseGradients):
    """RMSprop: steps scaled by a running average of the squared gradient.

    torch provides no fused implementation. Source: Tieleman and Hinton, "Neural networks for machine learning", lecture
    6.5, 2012; centred: Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013;
    ``torch.optim.RMSprop``.
    """

    target = "torch.optim:RMSprop"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-8, 0.05)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.001, "momentum": 0.9, "centered": True}

    lr: PositiveFloat = Field(default=1e-2, description=LR)
    alpha: Decay = Field(default=0.99, description="Decay of the average of the squared gradient.")
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    momentum: Decay = Field(default=0.0, description="Momentum factor.")
    centered: bool = Field(
        default=False, description="If true, scales by the variance of the gradient instead of its square."
    )
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)


NonPositiveFloat = Annotated[float, Field(le=0)]
AtLeastOne = Annotated[float, Field(ge=1)]


class Adafactor(OfDenseGradients):
    """Adafactor: steps scaled as in Adam, with averages per row and column only, which saves memory.

    A step is at most ``lr`` times the root mean square of the weights, or times ``eps[1]`` if that is larger.
    Parameters with one dimension keep full averages. Source: Shazeer and Stern, "Adafactor: adaptive learning rates
    with sublinear memory cost", ICML 2018; ``torch.optim.Adafactor``.
    """

    target = "torch.optim:Adafactor"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-7, 1.0)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.05}

    lr: PositiveFloat = Field(default=1e-2, description="Maximum step, relative to the weights.")
    beta2_decay: NonPositiveFloat = Field(
        default=-0.8, description="Decay exponent: in step t the average keeps 1 - t ** beta2_decay."
    )
    eps: tuple[PositiveFloat | None, NonNegativeFloat] = Field(
        default=(None, 1e-3),
        description="Constant added to the squares (null for the machine epsilon of the dtype), and smallest scale.",
    )
    d: AtLeastOne = Field(default=1.0, description="Updates whose root mean square exceeds this are scaled down to it.")
    weight_decay: NonNegativeFloat = Field(
        default=0.0, description="Decoupled weight decay: each step shrinks the weights by lr times this."
    )
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH_ROUNDS)

    def decay_of_weights(self) -> float:
        """Return the weight decay, which is decoupled."""
        return self.weight_decay
