"""Layers: activations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from registry_builtin.layers.shaping import place_of
from registry_builtin.layers.sizes import INPLACE, ElementwiseLayer
from registry_builtin.torch_modules import of_classes
from registry_core.components import CheckFailed, Modules, RunFacts, Shape
from registry_core.components.forms import OutputForm, counted
from registry_core.components.layer import LayerRole
from registry_core.components.types import NonNegativeFloat, PositiveFloat, PositiveInt


class _Function(ElementwiseLayer):
    """Base of functions of each value."""

    role: ClassVar[LayerRole] = "activation"
    least: ClassVar[float] = -math.inf
    """The least value of the function, at a negative input."""

    def value(self, given: float) -> float:
        """Return the value for a positive input, or a limit of it."""
        return given

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the least value if inputs can be negative, and the value of the largest input."""
        if low < 0:
            return self.least, self.value(max(high, 0.0))
        return (self.value(low) if self.least == 0 else 0.0), self.value(high)


class _Activation(_Function):
    inplace: bool = Field(default=False, description=INPLACE)


class ReLU(_Activation):
    """Rectified linear unit.

    Input and output: floats [batch, ...]. max(0, x). Source: ``torch.nn.ReLU``.
    """

    target = "torch.nn:ReLU"
    least: ClassVar[float] = 0.0
    stops_at_zero: ClassVar[bool] = True


class LeakyReLU(_Activation):
    """ReLU with a small slope for negative values.

    Input and output: floats [batch, ...]. max(0, x) + negative_slope * min(0, x). Source: ``torch.nn.LeakyReLU``; Maas
    et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    target = "torch.nn:LeakyReLU"

    negative_slope: NonNegativeFloat = Field(default=0.01, description="Slope for negative values.")

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds, negative ones scaled."""
        slope = self.negative_slope
        low, high = (side if side > 0 or not slope else slope * side for side in (low, high))
        return (low, high) if slope else (max(low, 0.0), max(high, 0.0))

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a slope of 1, which leaves every value as it is."""
        if self.negative_slope != 1:
            return ()
        message = "leaky_relu with negative_slope 1 returns its input unchanged."
        return (CheckFailed(message, "Set a slope below 1.", ("negative_slope",), code="layer-effect"),)


class ELU(_Activation):
    """Exponential linear unit: negative values approach -alpha.

    Input and output: floats [batch, ...]. x for x > 0, else alpha (exp(x) - 1). Source: ``torch.nn.ELU``; Clevert et
    al., "Fast and accurate deep network learning by exponential linear units", ICLR 2016.
    """

    target = "torch.nn:ELU"

    alpha: PositiveFloat = Field(default=1.0, description="Negative of the value that large negative inputs approach.")

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds, negative ones not below -alpha."""
        low, high = (side if side >= 0 else self.alpha * math.expm1(side) for side in (low, high))
        return low, high


class SiLU(_Activation):
    """Sigmoid linear unit, also known as swish.

    Input and output: floats [batch, ...]. x * sigmoid(x). Source: ``torch.nn.SiLU``; Hendrycks and Gimpel, "Gaussian
    error linear units", 2016.
    """

    target = "torch.nn:SiLU"
    least: ClassVar[float] = -0.279


class Hardswish(_Activation):
    """Piecewise approximation of silu.

    Input and output: floats [batch, ...]. x * min(max(x + 3, 0), 6) / 6. Source: ``torch.nn.Hardswish``; Howard et al.,
    "Searching for MobileNetV3", ICCV 2019.
    """

    target = "torch.nn:Hardswish"
    least: ClassVar[float] = -0.375


class ReLU6(_Activation):
    """ReLU clipped at 6.

    Input and output: floats [batch, ...]. min(max(0, x), 6). Source: ``torch.nn.ReLU6``; Howard et al., "MobileNets",
    2017.
    """

    target = "torch.nn:ReLU6"
    bases: ClassVar[tuple[str, ...]] = ("Hardtanh",)
    least: ClassVar[float] = 0.0
    stops_at_zero: ClassVar[bool] = True

    def value(self, given: float) -> float:
        """Return the value, at most 6."""
        return min(given, 6.0)


class SELU(_Activation):
    """Scaled elu, which preserves mean 0 and variance 1 through many linear layers.

    Input and output: floats [batch, ...]. 1.0507 x for x > 0, else 1.0507 * 1.67326 (exp(x) - 1). Source:
    ``torch.nn.SELU``; Klambauer et al., "Self-normalizing neural networks", NIPS 2017.
    """

    target = "torch.nn:SELU"
    least: ClassVar[float] = -1.7581

    def value(self, given: float) -> float:
        """Return the scaled value."""
        return 1.0508 * given


class Mish(_Activation):
    """Mish activation: each value times the tanh of its softplus.

    Input and output: floats [batch, ...]. x * tanh(log(1 + exp(x))). Source: ``torch.nn.Mish``; Misra, "Mish", BMVC
    2020.
    """

    target = "torch.nn:Mish"
    least: ClassVar[float] = -0.309


class GELU(_Function):
    """Gaussian error linear unit.

    Input and output: floats [batch, ...]. x * Phi(x), where Phi is the cumulative distribution function of N(0, 1).
    Source: ``torch.nn.GELU``; Hendrycks and Gimpel, "Gaussian error linear units", 2016.
    """

    target = "torch.nn:GELU"
    least: ClassVar[float] = -0.17

    approximate: Literal["none", "tanh"] = Field(
        default="none", description="Approximation: tanh is faster and almost exact."
    )


class Sigmoid(_Function):
    """Sigmoid: probabilities of independent classes, from 0 to 1.

    Input and output: floats [batch, ...]. 1 / (1 + exp(-x)). Source: ``torch.nn.Sigmoid``.
    """

    target = "torch.nn:Sigmoid"
    output_form: ClassVar[OutputForm] = "probabilities"

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the probabilities of the bounds."""
        low, high = (0.5 * (1 + math.tanh(0.5 * side)) for side in (low, high))
        return low, high


class Tanh(_Function):
    """Hyperbolic tangent: values from -1 to 1.

    Input and output: floats [batch, ...]. (exp(x) - exp(-x)) / (exp(x) + exp(-x)). Source: ``torch.nn.Tanh``.
    """

    target = "torch.nn:Tanh"

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the values at the bounds, within -1 and 1."""
        return math.tanh(low), math.tanh(high)


class _AcrossClasses(_Function):
    dim: int = Field(default=1, description="Dimension of the classes; the batch is 0, -1 is the last.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged; CheckFailed if it does not have the dimension."""
        place_of(self.dim, shape, "dim")
        return shape


class Softmax(_AcrossClasses):
    """Softmax: probabilities of mutually exclusive classes, which sum to 1.

    Input: logits [batch, classes, ...]. Output: probabilities, exp(x) divided by the sum of exp(x) over `dim`. Source:
    ``torch.nn.Softmax``.
    """

    target = "torch.nn:Softmax"
    output_form: ClassVar[OutputForm] = "probabilities"
    sums_to_one: ClassVar[bool] = True

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return 0 and 1."""
        return 0.0, 1.0


class LogSoftmax(_AcrossClasses):
    """Logarithm of the softmax: log-probabilities of classes.

    Input: logits [batch, classes, ...]. Output: log-probabilities, x minus the logarithm of the sum of exp(x) over
    `dim`. Source: ``torch.nn.LogSoftmax``.
    """

    target = "torch.nn:LogSoftmax"
    output_form: ClassVar[OutputForm] = "log_probabilities"

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the logarithms of 0 and 1."""
        return -math.inf, 0.0


class PReLU(_Function):
    """ReLU with a trained slope for negative values.

    Input and output: floats [batch, channels, ...]. max(0, x) + weight * min(0, x). Source: ``torch.nn.PReLU``; He et
    al., "Delving deep into rectifiers", ICCV 2015.
    """

    target = "torch.nn:PReLU"

    num_parameters: PositiveInt = Field(
        default=1, description="Number of slopes: 1 for all channels, or one per channel."
    )
    init: float = Field(default=0.25, description="Initial value of the slopes.")

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds; negative values are scaled by trained slopes, which may become negative."""
        return (-math.inf, math.inf) if low < 0 else (low, high)

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged; CheckFailed if the number of slopes does not match the channels."""
        if self.num_parameters != 1 and shape[0] not in (None, self.num_parameters):
            message = f"expects {counted(self.num_parameters, 'channel')}, but receives {shape[0]}."
            raise CheckFailed(message, f"Set num_parameters to {shape[0]} or 1.")
        return shape

    def modules(self) -> Modules | None:
        """Return the module, whose weight holds the slopes."""
        return of_classes(("PReLU",), [("weight", (self.num_parameters,))])
