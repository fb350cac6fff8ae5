"""Optimizers: how weights follow their gradients."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import Optimizer
from registry_core.components.types import NonNegativeFloat, PositiveFloat

Decay = Annotated[float, Field(ge=0, lt=1)]

_LR = "Learning rate: length of a step."
_EPS = "Added to the denominator, against division by zero."
_MAXIMIZE = "Climb instead of descend."
_FUSED = "One kernel for all of a step: true, false, or null for torch's choice."


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov's momentum and weight decay where asked for.

    The first momentum buffer is the first gradient, as in torch. With momentum, ``fused: true`` takes about half
    the time on a CPU, but rounds differently in the last digit. Source: ``torch.optim.SGD``; Sutskever et al., "On the
    importance of initialization and momentum in deep learning", ICML 2013.
    """

    target: ClassVar[str] = "torch.optim:SGD"

    lr: PositiveFloat = Field(default=1e-3, description=_LR)
    momentum: NonNegativeFloat = Field(default=0.0, description="Share of the last step that is kept.")
    dampening: float = Field(default=0.0, description="Share of the gradient that does not enter the momentum.")
    weight_decay: NonNegativeFloat = Field(default=0.0, description="L2 penalty, added to the gradient.")
    nesterov: bool = Field(default=False, description="Look ahead along the momentum; needs momentum, no dampening.")
    maximize: bool = Field(default=False, description=_MAXIMIZE)
    fused: bool | None = Field(default=None, description=_FUSED)

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "nesterov needs momentum above 0 and dampening 0, "
                f"but momentum is {self.momentum} and dampening is {self.dampening}"
            )
        return self


class Adam(Optimizer):
    """Steps scaled by running averages of the gradient and its square.

    Weight decay is added to the gradient, so it is scaled too; ``adamw`` decays weights apart from the gradient.
    ``fused: true`` takes about a third of the time on a CPU, but rounds differently in the last digit.
    Source: Kingma and Ba, "Adam", ICLR 2015; ``torch.optim.Adam``.
    """

    target: ClassVar[str] = "torch.optim:Adam"

    lr: PositiveFloat = Field(default=1e-3, description=_LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description="Decay of the averages: gradient, square.")
    eps: NonNegativeFloat = Field(default=1e-8, description=_EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description="L2 penalty, added to the gradient.")
    amsgrad: bool = Field(default=False, description="Divide by the largest average so far (Reddi et al., ICLR 2018).")
    maximize: bool = Field(default=False, description=_MAXIMIZE)
    fused: bool | None = Field(default=None, description=_FUSED)


class AdamW(Optimizer):
    """Adam with weight decay apart from the gradient.

    Each step first shrinks the weights by ``lr * weight_decay``. ``fused: true`` takes a third to a fifth of the time
    on a CPU, but rounds differently in the last digit. Source: Loshchilov and Hutter, "Decoupled weight decay
    regularization", ICLR 2019; ``torch.optim.AdamW``.
    """

    target: ClassVar[str] = "torch.optim:AdamW"

    lr: PositiveFloat = Field(default=1e-3, description=_LR)
    betas: tuple[Decay, Decay] = Field(default=(0.9, 0.999), description="Decay of the averages: gradient, square.")
    eps: NonNegativeFloat = Field(default=1e-8, description=_EPS)
    weight_decay: NonNegativeFloat = Field(default=1e-2, description="Share of the weights, times lr, lost in a step.")
    amsgrad: bool = Field(default=False, description="Divide by the largest average so far (Reddi et al., ICLR 2018).")
    maximize: bool = Field(default=False, description=_MAXIMIZE)
    fused: bool | None = Field(default=None, description=_FUSED)


class RMSprop(Optimizer):
    """Steps scaled by a running average of the squared gradient.

    torch has no fused form of it. Source: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5,
    2012; ``torch.optim.RMSprop``.
    """

    target: ClassVar[str] = "torch.optim:RMSprop"

    lr: PositiveFloat = Field(default=1e-2, description=_LR)
    alpha: Decay = Field(default=0.99, description="Decay of the average of the squared gradient.")
    eps: NonNegativeFloat = Field(default=1e-8, description=_EPS)
    weight_decay: NonNegativeFloat = Field(default=0.0, description="L2 penalty, added to the gradient.")
    momentum: NonNegativeFloat = Field(default=0.0, description="Share of the last step that is kept.")
    centered: bool = Field(default=False, description="Scale by the variance of the gradient instead of its square.")
    maximize: bool = Field(default=False, description=_MAXIMIZE)
