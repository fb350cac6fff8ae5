"""Init schemes: first values of weights and biases."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import Init
from registry_core.components.types import NonNegativeFloat, PositiveFloat

Fan = Literal["fan_in", "fan_out"]
Rectifier = Literal["relu", "leaky_relu"]


class XavierNormal(Init):
    """Normal values with the spread that keeps variances even in both directions, for linear or tanh layers.

    Mean 0, standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``. Needs a tensor of at least two dimensions, so it
    does not fit biases. Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010; ``torch.nn.init.xavier_normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:xavier_normal_"

    gain: PositiveFloat = Field(
        default=1.0, description="Factor on the standard deviation, for the activation that follows."
    )


class XavierUniform(Init):
    """Even values in a range that keeps variances even in both directions, for linear or tanh layers.

    From -b to b with ``b = gain * sqrt(6 / (fan_in + fan_out))``. Needs a tensor of at least two dimensions, so it does
    not fit biases. Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010; ``torch.nn.init.xavier_uniform_``.
    """

    target: ClassVar[str] = "torch.nn.init:xavier_uniform_"

    gain: PositiveFloat = Field(default=1.0, description="Factor on the range, for the activation that follows.")


class KaimingNormal(Init):
    """Normal values with the spread that keeps variances even through rectifiers.

    Mean 0, standard deviation ``sqrt(2 / ((1 + a**2) * fan))``; with ``relu``, ``a`` counts as 0. Needs a tensor of at
    least two dimensions, so it does not fit biases. Source: He et al., "Delving deep into rectifiers", ICCV 2015;
    ``torch.nn.init.kaiming_normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:kaiming_normal_"

    a: float = Field(default=0.0, description="Slope of the negative side of the leaky rectifier.")
    mode: Fan = Field(default="fan_in", description="Keep variances forward (fan_in) or backward (fan_out).")
    nonlinearity: Rectifier = Field(default="leaky_relu", description="The activation that follows the layer.")


class KaimingUniform(Init):
    """Even values in a range that keeps variances even through rectifiers.

    From -b to b with ``b = sqrt(6 / ((1 + a**2) * fan))``; with ``relu``, ``a`` counts as 0. Needs a tensor of at least
    two dimensions, so it does not fit biases. Source: He et al., "Delving deep into rectifiers", ICCV 2015;
    ``torch.nn.init.kaiming_uniform_``.
    """

    target: ClassVar[str] = "torch.nn.init:kaiming_uniform_"

    a: float = Field(default=0.0, description="Slope of the negative side of the leaky rectifier.")
    mode: Fan = Field(default="fan_in", description="Keep variances forward (fan_in) or backward (fan_out).")
    nonlinearity: Rectifier = Field(default="leaky_relu", description="The activation that follows the layer.")


class Normal(Init):
    """Normal values of a given mean and standard deviation.

    Fits tensors of any shape. Source: ``torch.nn.init.normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:normal_"

    mean: float = Field(default=0.0, description="Mean of the values.")
    std: NonNegativeFloat = Field(default=1.0, description="Standard deviation of the values.")


class Uniform(Init):
    """Even values from ``a`` to ``b``.

    Fits tensors of any shape. Source: ``torch.nn.init.uniform_``.
    """

    target: ClassVar[str] = "torch.nn.init:uniform_"

    a: float = Field(default=0.0, description="Smallest value.")
    b: float = Field(default=1.0, description="Largest value, not less than a.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.a > self.b:
            raise ValueError(f"expected a range from a to b, but a is {self.a} and b is {self.b}: exchange them")
        return self


class Constant(Init):
    """The same value everywhere.

    Fits tensors of any shape. Source: ``torch.nn.init.constant_``.
    """

    target: ClassVar[str] = "torch.nn.init:constant_"
    renamed: ClassVar[dict[str, str]] = {"value": "val"}

    value: float = Field(description="The value.")
