"""Init schemes: first values of weights and biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.inits.gain import Gain, Nonlinearity
from registry_core.components import CheckFailed, Init
from registry_core.components.types import NonNegativeFloat, PositiveFloat, PositiveInt, Probability

Fan = Literal["fan_in", "fan_out"]

_GAIN = "for the activation that follows: a number, or `{nonlinearity: leaky_relu, param: 0.2}`."
_A = "Slope of the negative side, for leaky_relu."
_MODE = "Keep variances forward (fan_in) or backward (fan_out)."
_NONLINEARITY = "The activation that follows the layer; the paper's are relu and leaky_relu."


class XavierNormal(Init):
    """Normal values with the spread that keeps variances even in both directions, for linear or tanh layers.

    Mean 0, standard deviation ``gain * sqrt(2 / (fan_in + fan_out))``. Needs a tensor of at least two dimensions, so it
    does not fit biases. Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010; ``torch.nn.init.xavier_normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:xavier_normal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "leaky_relu", "param": 0.2}}

    gain: Gain = Field(default=1.0, description=f"Factor on the standard deviation, {_GAIN}")


class XavierUniform(Init):
    """Even values in a range that keeps variances even in both directions, for linear or tanh layers.

    From -b to b with ``b = gain * sqrt(6 / (fan_in + fan_out))``. Needs a tensor of at least two dimensions, so it does
    not fit biases. Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010; ``torch.nn.init.xavier_uniform_``.
    """

    target: ClassVar[str] = "torch.nn.init:xavier_uniform_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "tanh"}}

    gain: Gain = Field(default=1.0, description=f"Factor on the range, {_GAIN}")


class KaimingNormal(Init):
    """Normal values with the spread that keeps variances even through rectifiers.

    Mean 0, standard deviation ``gain / sqrt(fan)``, where the gain of ``leaky_relu`` is ``sqrt(2 / (1 + a**2))`` and
    that of ``relu`` is ``sqrt(2)``. Needs a tensor of at
    least two dimensions, so it does not fit biases. Source: He et al., "Delving deep into rectifiers", ICCV 2015;
    ``torch.nn.init.kaiming_normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:kaiming_normal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"mode": "fan_out", "nonlinearity": "relu"}

    a: float = Field(default=0.0, description=_A)
    mode: Fan = Field(default="fan_in", description=_MODE)
    nonlinearity: Nonlinearity = Field(default="leaky_relu", description=_NONLINEARITY)


class KaimingUniform(Init):
    """Even values in a range that keeps variances even through rectifiers.

    From -b to b with ``b = gain * sqrt(3 / fan)``, where the gain of ``leaky_relu`` is ``sqrt(2 / (1 + a**2))`` and
    that of ``relu`` is ``sqrt(2)``. Needs a tensor of at least two dimensions, so it does not fit biases. Source: He et
    al., "Delving deep into rectifiers", ICCV 2015; ``torch.nn.init.kaiming_uniform_``.
    """

    target: ClassVar[str] = "torch.nn.init:kaiming_uniform_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"a": 0.2}

    a: float = Field(default=0.0, description=_A)
    mode: Fan = Field(default="fan_in", description=_MODE)
    nonlinearity: Nonlinearity = Field(default="leaky_relu", description=_NONLINEARITY)


class Normal(Init):
    """Normal values of a given mean and standard deviation.

    Fits tensors of any shape. Source: ``torch.nn.init.normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:normal_"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.01}

    mean: float = Field(default=0.0, description="Mean of the values.")
    std: NonNegativeFloat = Field(default=1.0, description="Standard deviation of the values.")


class Uniform(Init):
    """Even values from ``a`` to ``b``.

    Fits tensors of any shape. Source: ``torch.nn.init.uniform_``.
    """

    target: ClassVar[str] = "torch.nn.init:uniform_"
    example: ClassVar[Mapping[str, Any]] = {"a": -0.1, "b": 0.1}

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
    example: ClassVar[Mapping[str, Any]] = {"value": 0.1}
    old_spellings: ClassVar[Mapping[str, str]] = {"val": "value"}

    value: float = Field(description="The value.")


class Zeros(Init):
    """Zero everywhere, as for biases.

    Fits tensors of any shape. Source: ``torch.nn.init.zeros_``.
    """

    target: ClassVar[str] = "torch.nn.init:zeros_"


class Ones(Init):
    """One everywhere, as for the weights of normalisations.

    Fits tensors of any shape. Source: ``torch.nn.init.ones_``.
    """

    target: ClassVar[str] = "torch.nn.init:ones_"


class TruncNormal(Init):
    """Normal values, those outside of a range drawn again.

    ``a`` and ``b`` are values, not multiples of ``std``. The mean lies at most 2 ``std`` outside of the range. Fits
    tensors of any shape. Source: ``torch.nn.init.trunc_normal_``.
    """

    target: ClassVar[str] = "torch.nn.init:trunc_normal_"
    example: ClassVar[Mapping[str, Any]] = {"std": 0.02, "a": -0.04, "b": 0.04}

    mean: float = Field(default=0.0, description="Mean of the values before they are cut.")
    std: PositiveFloat = Field(default=1.0, description="Standard deviation of the values before they are cut.")
    a: float = Field(default=-2.0, description="Smallest value.")
    b: float = Field(default=2.0, description="Largest value, more than a.")

    @model_validator(mode="after")
    def _range_is_met(self) -> Self:
        if self.a >= self.b:
            raise ValueError(f"expected a range from a to b, but a is {self.a} and b is {self.b}: write a below b")
        if not self.a - 2 * self.std <= self.mean <= self.b + 2 * self.std:
            raise ValueError(
                f"the mean {self.mean} is more than 2 std outside of {self.a} to {self.b}, where such values are "
                "almost never drawn: move the range or the mean"
            )
        return self


class Eye(Init):
    """The identity matrix, so that a linear layer starts by passing on its inputs.

    Needs a parameter of 2 dimensions; if it is not square, as many inputs pass as possible. Source:
    ``torch.nn.init.eye_``.
    """

    target: ClassVar[str] = "torch.nn.init:eye_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, 2)


class Dirac(Init):
    """The identity of convolutions: one in the kernel's centre, zero elsewhere, so that they pass on their inputs.

    Needs a parameter of 3, 4 or 5 dimensions, the weight of a convolution; as many channels pass as possible.
    Source: ``torch.nn.init.dirac_``.
    """

    target: ClassVar[str] = "torch.nn.init:dirac_"
    dimensions: ClassVar[tuple[int, int | None]] = (3, 5)

    groups: PositiveInt = Field(default=1, description="Groups of the convolution; each starts as the identity.")

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise CheckFailed unless it has 3 to 5 dimensions and the groups share the output channels evenly."""
        super().check_shape(shape)
        if shape[0] % self.groups:
            raise CheckFailed(
                f"it shares the {shape[0]} output channels among {self.groups} groups, which does not come out even",
                "Set groups to that of the convolution.",
            )


class Orthogonal(Init):
    """A random matrix with orthogonal rows or columns of length ``gain``, which keeps the lengths of vectors.

    Needs a parameter of at least 2 dimensions; all but the first are taken as one. Source: Saxe et al., "Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR 2014;
    ``torch.nn.init.orthogonal_``.
    """

    target: ClassVar[str] = "torch.nn.init:orthogonal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "relu"}}

    gain: Gain = Field(default=1.0, description=f"Factor on the matrix, {_GAIN}")


class Sparse(Init):
    """Normal values around 0, of which a share of each column is set to zero.

    Needs a parameter of 2 dimensions, whose columns belong to the inputs. Of n rows, ``ceil(sparsity * n)`` are zero in
    each column. Source: Martens, "Deep learning via Hessian-free optimization", ICML 2010; ``torch.nn.init.sparse_``.
    """

    target: ClassVar[str] = "torch.nn.init:sparse_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, 2)
    example: ClassVar[Mapping[str, Any]] = {"sparsity": 0.9}

    sparsity: Probability = Field(description="Share of each column that is zero.")
    std: NonNegativeFloat = Field(default=0.01, description="Standard deviation of the other values.")
