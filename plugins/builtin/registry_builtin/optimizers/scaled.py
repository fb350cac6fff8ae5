"""Steps scaled by the size that gradients had so far: Adagrad and its kin."""

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
    refuse_fused_foreach,
    refuse_sparse,
)
from registry_core.components import Optimizer, ParameterFacts
from registry_core.components.types import NonNegativeFloat, PositiveFloat


class Adagrad(Optimizer):
    """Steps scaled by the root of the sum of all squared gradients, so that rarely used weights move further.

    ``fused: true`` rounds differently in the last digit. Takes sparse gradients, but then neither weight decay nor
    ``fused``. Source: Duchi et al., "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 2011; ``torch.optim.Adagrad``.
    """

    target = "torch.optim:Adagrad"
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.05}

    lr: PositiveFloat = Field(default=1e-2, description=LR)
    lr_decay: NonNegativeFloat = Field(default=0.0, description="After t steps the rate is lr / (1 + t * lr_decay).")
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    initial_accumulator_value: NonNegativeFloat = Field(default=0.0, description="Sum of squares to start from.")
    eps: PositiveFloat = Field(default=1e-10, description=EPS)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)
    fused: bool | None = Field(default=None, description=FUSED)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        refuse_fused_foreach(self.fused, self.foreach)
        return self

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for sparse gradients with weight decay or ``fused``."""
        if self.weight_decay:
            refuse_sparse(self, parameters, "cannot decay weights with sparse gradients", "Set weight_decay to 0.")
        if self.fused:
            refuse_sparse(self, parameters, "takes no sparse gradients with fused", "Leave out fused.")


class Adadelta(OfDenseGradients):
    """Steps scaled by the ratio of two running averages: of squared steps and of squared gradients.

    With the learning rate of 1 that the paper has, it takes its units from the data. Source: Zeiler, "ADADELTA: an
    adaptive learning rate method", arXiv:1212.5701, 2012; ``torch.optim.Adadelta``.
    """

    target = "torch.optim:Adadelta"

    lr: PositiveFloat = Field(default=1.0, description="Factor on the step.")
    rho: Decay = Field(default=0.9, description="Decay of both averages.")
    eps: PositiveFloat = Field(default=1e-6, description="Added to both averages; it sets the size of first steps.")
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)


class RMSprop(OfDenseGradients):
    """Steps scaled by a running average of the squared gradient.

    torch has no fused form of it. Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5,
    2012; centred: Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850, 2013;
    ``torch.optim.RMSprop``.
    """

    target = "torch.optim:RMSprop"
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.001, "momentum": 0.9, "centered": True}

    lr: PositiveFloat = Field(default=1e-2, description=LR)
    alpha: Decay = Field(default=0.99, description="Decay of the average of the squared gradient.")
    eps: PositiveFloat = Field(default=1e-8, description=EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description=PENALTY)
    momentum: Decay = Field(default=0.0, description="Share of the last step that is kept.")
    centered: bool = Field(default=False, description="Scale by the variance of the gradient instead of its square.")
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH)


NonPositiveFloat = Annotated[float, Field(le=0)]
AtLeastOne = Annotated[float, Field(ge=1)]


class Adafactor(OfDenseGradients):
    """Steps scaled as in Adam, with averages of rows and columns only, so that the state takes little memory.

    A step is at most ``lr`` times the root mean square of the weights, or ``eps[1]`` where that is larger. Parameters
    of one dimension have full averages. Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear
    memory cost", ICML 2018; ``torch.optim.Adafactor``.
    """

    target = "torch.optim:Adafactor"
    example: ClassVar[Mapping[str, Any]] = {"lr": 0.05}

    lr: PositiveFloat = Field(default=1e-2, description="Largest step, relative to the weights.")
    beta2_decay: NonPositiveFloat = Field(default=-0.8, description="In step t the average keeps 1 - t ** beta2_decay.")
    eps: tuple[PositiveFloat | None, NonNegativeFloat] = Field(
        default=(None, 1e-3), description="Added to squares (null: what the number format resolves); smallest scale."
    )
    d: AtLeastOne = Field(default=1.0, description="Updates with a larger root mean square are cut to it.")
    weight_decay: NonNegativeFloat = Field(default=0.0, description="Share of the weights, times lr, lost in a step.")
    maximize: bool = Field(default=False, description=MAXIMIZE)
    foreach: bool | None = Field(default=None, description=FOREACH_ROUNDS)
