"""Gradient descent: with momentum, with averaging, and by the sign of the gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_builtin.optimizers.parameters import (
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
from registry_core.components import CheckFailed, ParameterError, ParameterFacts, RunFacts
from registry_core.components.types import NonNegativeFloat, OrderedPair, PositiveFloat


class SGD(OfTorch):
    """Stochastic gradient descent, with optional momentum, Nesterov momentum and weight decay.

    The momentum buffer is initialized with the first gradient, as in torch. With momentum, ``fused: true`` takes about
    half the time on a CPU, but rounds differently in the last digit. Sparse gradients are supported without weight
    decay and ``fused``. Source: ``torch.optim.SGD``; Sutskever et al., "On the importance of initialization and
    momentum in deep learning", ICML 2013.
    """

    target = "torch.optim:SGD"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-7, 10.0)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}

    lr: PositiveFloat = Field(default=1e-3, description=LR)
    momentum: Decay = Field(default=0.0, description="Momentum factor.")
    dampening: float = Field(default=0.0, description="Dampening of the gradient in the momentum.")
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    nesterov: bool = Field(
        default=False, description="If true, uses Nesterov momentum; requires momentum and no dampening."
    )
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)
    fused: bool | None = Field(default=None, description=FUSED)

    @model_validator(mode="after")
    def _can_be_combined(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            found = f"momentum is {self.momentum} and dampening is {self.dampening}"
            message = f"`nesterov` requires momentum above 0 and dampening 0, but {found}"
            raise ParameterError(message, "Set momentum: 0.9 and remove dampening, or remove nesterov")
        refuse_fused_foreach(self.fused, self.foreach)
        return self

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of dampening that lets no gradient in, or that nothing reads, and of what all optimizers warn of."""
        found = [*super().warnings(facts)]
        if self.dampening and not self.momentum:
            message = f"dampening of the optimizer {self.name!r} has no effect: momentum is 0."
            found.append(CheckFailed(message, "Set momentum, or remove dampening.", ("dampening",)))
        elif not 0 <= self.dampening < 1:
            message = f"With dampening {self.dampening:g}, gradients enter the momentum with a factor of"
            message += f" {1 - self.dampening:g} after the first step."
            found.append(CheckFailed(message, "Set dampening to 0, or to a value below 1.", ("dampening",)))
        return found

    def decay_of_weights(self) -> float:
        """Return the weight decay: a penalty on the weights takes this share, times the rate."""
        return self.weight_decay

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for sparse gradients with weight decay or ``fused``."""
        if self.weight_decay:
            refuse_sparse(
                self, parameters, "does not support weight decay with sparse gradients", "Set weight_decay to 0."
            )
        if self.fused:
            refuse_sparse(self, parameters, "does not support sparse gradients with fused", "Remove fused.")


class ASGD(OfDenseGradients):
    """Averaged stochastic gradient descent: the learning rate decays, and an average of the weights is kept.

    The learning rate in step t is ``lr / (1 + lambd * lr * t) ** alpha``. The average, over all steps from ``t0`` on,
    stays in the optimizer's state (``ax``); evaluation and prediction use the weights themselves, or the average of
    ``train.ema``. Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on
    Control and Optimization, 1992; ``torch.optim.ASGD``.
    """

    target = "torch.optim:ASGD"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-7, 10.0)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.1, "t0": 1000}

    lr: PositiveFloat = Field(default=1e-2, description=LR)
    lambd: NonNegativeFloat = Field(default=1e-4, description="Decay of the weights and of the learning rate.")
    alpha: NonNegativeFloat = Field(default=0.75, description="Exponent of the learning rate decay.")
    t0: NonNegativeFloat = Field(default=1e6, description="Step at which averaging starts.")
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH_ROUNDS)

    def decay_of_weights(self) -> float:
        """Return the weight decay: a penalty on the weights takes this share, times the rate."""
        return self.weight_decay


Shrink = Annotated[float, Field(gt=0, lt=1)]
Grow = Annotated[float, Field(gt=1)]


class Rprop(OfDenseGradients):
    """Resilient backpropagation: each weight has its own step size and follows only the sign of its gradient.

    A step size grows while the sign stays the same and shrinks when it changes. Intended for full batches: with small
    batches the signs are mostly noise, so set ``batch_size`` to the size of the data or ``train.accumulate`` to the
    number of batches in an epoch. Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation
    learning: the RPROP algorithm", ICNN 1993; ``torch.optim.Rprop``.
    """

    target = "torch.optim:Rprop"
    usual_rates: ClassVar[tuple[float, float] | None] = (1e-7, 1.0)
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.001, "step_sizes": [1e-6, 1.0]}

    lr: PositiveFloat = Field(default=1e-2, description="Initial step size of every weight.")
    etas: tuple[Shrink, Grow] = Field(
        default=(0.5, 1.2), description="Factors of the step size: when the sign changes, when it stays the same."
    )
    step_sizes: OrderedPair = Field(default=(1e-6, 50.0), description="Smallest and largest step size.")
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)
