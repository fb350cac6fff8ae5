"""Layers: activations."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from registry_builtin.layers.shaping import place_of
from registry_builtin.layers.sizes import INPLACE, ElementwiseLayer
from registry_builtin.torch_modules import of_classes
from registry_core.components import CheckFailed, Modules, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.types import NonNegativeFloat, PositiveFloat, PositiveInt

NEVER_NEGATIVE = "none can be negative"


class _Activation(ElementwiseLayer):
    inplace: bool = Field(default=False, description=INPLACE)


class ReLU(_Activation):
    """Zero for negative values, the others as they are.

    In and out: floats [batch, ...]. Max(0, x). Source: ``torch.nn.ReLU``.
    """

    target = "torch.nn:ReLU"
    only_inside: ClassVar[str] = NEVER_NEGATIVE


class LeakyReLU(_Activation):
    """Negative values times a small slope, the others as they are.

    In and out: floats [batch, ...]. Max(0, x) + negative_slope * min(0, x). Source: ``torch.nn.LeakyReLU``; Maas et
    al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    target = "torch.nn:LeakyReLU"

    negative_slope: NonNegativeFloat = Field(default=0.01, description="Slope for negative values.")


class ELU(_Activation):
    """Negative values bend towards -alpha, the others stay as they are.

    In and out: floats [batch, ...]. x for x > 0, else alpha (exp(x) - 1). Source: ``torch.nn.ELU``; Clevert et al.,
    "Fast and accurate deep network learning by exponential linear units", ICLR 2016.
    """

    target = "torch.nn:ELU"

    alpha: PositiveFloat = Field(default=1.0, description="What large negative values become, with the sign changed.")


class SiLU(_Activation):
    """Every value times its sigmoid, also called swish.

    In and out: floats [batch, ...]. x * sigmoid(x). Source: ``torch.nn.SiLU``; Hendrycks and Gimpel, "Gaussian error
    linear units", 2016.
    """

    target = "torch.nn:SiLU"


class Hardswish(_Activation):
    """A piecewise form of silu.

    In and out: floats [batch, ...]. x * min(max(x + 3, 0), 6) / 6. Source: ``torch.nn.Hardswish``; Howard et al.,
    "Searching for MobileNetV3", ICCV 2019.
    """

    target = "torch.nn:Hardswish"


class ReLU6(_Activation):
    """Values cut off at 0 and 6.

    In and out: floats [batch, ...]. Min(max(0, x), 6). Source: ``torch.nn.ReLU6``; Howard et al., "MobileNets", 2017.
    """

    target = "torch.nn:ReLU6"
    only_inside: ClassVar[str] = NEVER_NEGATIVE
    bases: ClassVar[tuple[str, ...]] = ("Hardtanh",)


class SELU(_Activation):
    """A scaled elu that keeps mean 0 and variance 1 through many linear layers.

    In and out: floats [batch, ...]. 1.0507 x for x > 0, else 1.0507 * 1.67326 (exp(x) - 1). Source: ``torch.nn.SELU``;
    Klambauer et al., "Self-normalizing neural networks", NIPS 2017.
    """

    target = "torch.nn:SELU"


class Mish(_Activation):
    """Every value times the tanh of its softplus.

    In and out: floats [batch, ...]. x * tanh(log(1 + exp(x))). Source: ``torch.nn.Mish``; Misra, "Mish", BMVC 2020.
    """

    target = "torch.nn:Mish"


class GELU(ElementwiseLayer):
    """Every value times the chance that a normal variable is smaller.

    In and out: floats [batch, ...]. x * Phi(x), Phi: the distribution of N(0, 1). Source: ``torch.nn.GELU``; Hendrycks
    and Gimpel, "Gaussian error linear units", 2016.
    """

    target = "torch.nn:GELU"

    approximate: Literal["none", "tanh"] = Field(
        default="none", description="tanh: a faster formula that is nearly the same."
    )


class Sigmoid(ElementwiseLayer):
    """Values from 0 to 1: probabilities of independent classes.

    In and out: floats [batch, ...]. 1 / (1 + exp(-x)). Source: ``torch.nn.Sigmoid``.
    """

    target = "torch.nn:Sigmoid"
    output_form: ClassVar[OutputForm] = "probabilities"


class Tanh(ElementwiseLayer):
    """Values from -1 to 1.

    In and out: floats [batch, ...]. (exp(x) - exp(-x)) / (exp(x) + exp(-x)). Source: ``torch.nn.Tanh``.
    """

    target = "torch.nn:Tanh"


class _AcrossClasses(ElementwiseLayer):
    dim: int = Field(default=1, description="The side of the classes; counts the batch as 0; -1 is the last.")

    def infer_shape(self, shape: Shape) -> Shape:
        """The same; CheckFailed if there is no such side."""
        place_of(self.dim, shape, "dim")
        return shape


class Softmax(_AcrossClasses):
    """Probabilities of classes, which add up to 1.

    In: logits [batch, classes, ...]; out: probabilities, exp(x) / sum of exp(x) over `dim`. Source:
    ``torch.nn.Softmax``.
    """

    target = "torch.nn:Softmax"
    output_form: ClassVar[OutputForm] = "probabilities"


class LogSoftmax(_AcrossClasses):
    """Logarithms of the probabilities of classes.

    In: logits [batch, classes, ...]; out: log-probabilities, x - log of the sum of exp(x) over `dim`. Source:
    ``torch.nn.LogSoftmax``.
    """

    target = "torch.nn:LogSoftmax"
    output_form: ClassVar[OutputForm] = "log_probabilities"


class PReLU(ElementwiseLayer):
    """Negative values times a trained slope, the others as they are.

    In and out: floats [batch, channels, ...]. max(0, x) + weight * min(0, x). Source: ``torch.nn.PReLU``; He et al.,
    "Delving deep into rectifiers", ICCV 2015.
    """

    target = "torch.nn:PReLU"

    num_parameters: PositiveInt = Field(default=1, description="1: one slope for all; else as many as channels.")
    init: float = Field(default=0.25, description="First value of the slopes.")

    def infer_shape(self, shape: Shape) -> Shape:
        """The same; CheckFailed if there are slopes for other channels."""
        if self.num_parameters != 1 and shape[0] not in (None, self.num_parameters):
            message = f"has slopes for {self.num_parameters} channels, and is given {shape[0]}."
            raise CheckFailed(message, f"Set num_parameters to {shape[0]} or 1.")
        return shape

    def modules(self) -> Modules | None:
        """The slopes are its weight."""
        return of_classes(("PReLU",), [("weight", (self.num_parameters,))])
