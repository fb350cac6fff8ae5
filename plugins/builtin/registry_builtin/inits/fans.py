"""Initialization that preserves variances from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.inits.gain import Gain, Nonlinearity, Slope, calculate_gain
from registry_core.components import Init

Fan = Literal["fan_in", "fan_out"]
_GAIN = "for the activation that follows: a number, or `{nonlinearity: leaky_relu, param: 0.2}`."
_A = "Negative slope of leaky_relu."
_MODE = "Preserve variances in the forward pass (fan_in) or in the backward pass (fan_out)."
_NONLINEARITY = "Activation that follows the layer; the paper covers relu and leaky_relu."


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the numbers of values that an output and an input of a layer depend on."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


class _Xavier(Init):
    """Base of both forms of Xavier initialization."""

    if TYPE_CHECKING:  # each subclass declares the field, with its own description
        gain: Gain

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return the standard deviation."""
        return self.gain * math.sqrt(2 / sum(_fans(shape)))


class _Kaiming(Init):
    """Base of both forms of Kaiming initialization."""

    if TYPE_CHECKING:  # each subclass declares the fields
        a: float
        mode: Fan
        nonlinearity: Nonlinearity

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return the standard deviation."""
        fan = _fans(shape)[0 if self.mode == "fan_in" else 1]
        return calculate_gain(self.nonlinearity, self.a) / math.sqrt(fan)


class XavierNormal(_Xavier):
    """Xavier (Glorot) initialization from a normal distribution, for linear or tanh activations.

    Mean 0, standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``, which preserves variances in both passes.
    Requires a tensor with at least two dimensions, so biases are not supported. Source: Glorot and Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010;
    ``torch.nn.init.xavier_normal_``.
    """

    target = "torch.nn.init:xavier_normal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "leaky_relu", "param": 0.2}}

    gain: Gain = Field(default=1.0, description=f"Factor of the standard deviation, {_GAIN}")


class XavierUniform(_Xavier):
    """Xavier (Glorot) initialization from a uniform distribution, for linear or tanh activations.

    From -b to b with ``b = gain * sqrt(6 / (fan_in + fan_out))``, which preserves variances in both passes. Requires a
    tensor with at least two dimensions, so biases are not supported. Source: Glorot and Bengio, "Understanding the
    difficulty of training deep feedforward neural networks", AISTATS 2010; ``torch.nn.init.xavier_uniform_``.
    """

    target = "torch.nn.init:xavier_uniform_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "tanh"}}

    gain: Gain = Field(default=1.0, description=f"Factor of the range, {_GAIN}")


class KaimingNormal(_Kaiming):
    """Kaiming (He) initialization from a normal distribution, for rectified activations.

    Mean 0, standard deviation ``gain / sqrt(fan)``, where the gain of ``leaky_relu`` is ``sqrt(2 / (1 + a**2))`` and
    that of ``relu`` is ``sqrt(2)``. Requires a tensor with at least two dimensions, so biases are not supported.
    Source: He et al., "Delving deep into rectifiers", ICCV 2015; ``torch.nn.init.kaiming_normal_``.
    """

    target = "torch.nn.init:kaiming_normal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"mode": "fan_out", "nonlinearity": "relu"}

    a: Slope = Field(default=0.0, description=_A)
    mode: Fan = Field(default="fan_in", description=_MODE)
    nonlinearity: Nonlinearity = Field(default="leaky_relu", description=_NONLINEARITY)


class KaimingUniform(_Kaiming):
    """Kaiming (He) initialization from a uniform distribution, for rectified activations.

    From -b to b with ``b = gain * sqrt(3 / fan)``, where the gain of ``leaky_relu`` is ``sqrt(2 / (1 + a**2))`` and
    that of ``relu`` is ``sqrt(2)``. Requires a tensor with at least two dimensions, so biases are not supported.
    Source: He et al., "Delving deep into rectifiers", ICCV 2015; ``torch.nn.init.kaiming_uniform_``.
    """

    target = "torch.nn.init:kaiming_uniform_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"a": 0.2}

    a: Slope = Field(default=0.0, description=_A)
    mode: Fan = Field(default="fan_in", description=_MODE)
    nonlinearity: Nonlinearity = Field(default="leaky_relu", description=_NONLINEARITY)
