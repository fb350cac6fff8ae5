"""Initialization of whole matrices and kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.inits.fans import _GAIN
from registry_builtin.inits.gain import Gain
from registry_core.components import CheckFailed, Init
from registry_core.components.types import NonNegativeFloat, PositiveInt, Probability


class Eye(Init):
    """Fill a matrix with the identity, so that a linear layer initially preserves its inputs.

    Requires a parameter with 2 dimensions; if it is not square, as many inputs as possible are preserved. Source:
    ``torch.nn.init.eye_``.
    """

    target = "torch.nn.init:eye_"
    draws: ClassVar[bool] = False
    dimensions: ClassVar[tuple[int, int | None]] = (2, 2)


class Dirac(Init):
    """Fill a kernel with the Dirac delta function, so that a convolution initially preserves its input channels.

    Requires a parameter with 3, 4 or 5 dimensions, the weight of a convolution; as many channels as possible are
    preserved. Source: ``torch.nn.init.dirac_``.
    """

    target = "torch.nn.init:dirac_"
    draws: ClassVar[bool] = False
    dimensions: ClassVar[tuple[int, int | None]] = (3, 5)

    groups: PositiveInt = Field(
        default=1, description="Number of groups of the convolution; each is initialized to the identity."
    )

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise CheckFailed unless there are 3 to 5 dimensions and the groups divide the output channels."""
        super().check_shape(shape)
        if shape[0] % self.groups:
            raise CheckFailed(
                f"its {self.groups} groups do not divide the {shape[0]} output channels",
                "Set groups to the number of groups of the convolution.",
            )


class Orthogonal(Init):
    """Fill the tensor with a random matrix whose rows or columns are orthogonal and of norm ``gain``.

    Such a matrix preserves the norms of vectors. Requires a parameter with at least 2 dimensions; all but the first are
    flattened. Source: Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", ICLR 2014; ``torch.nn.init.orthogonal_``.
    """

    target = "torch.nn.init:orthogonal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "relu"}}

    gain: Gain = Field(default=1.0, description=f"Factor of the matrix, {_GAIN}")

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return the root mean square of an orthogonal matrix."""
        return self.gain / math.sqrt(max(shape[0], math.prod(shape[1:])))


class Sparse(Init):
    """Fill a matrix with normal values around 0, and set a fraction of each column to zero.

    Requires a parameter with 2 dimensions, whose columns belong to the inputs. Of n rows, ``ceil(sparsity * n)`` are
    zero in each column. Source: Martens, "Deep learning via Hessian-free optimization", ICML 2010;
    ``torch.nn.init.sparse_``.
    """

    target = "torch.nn.init:sparse_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, 2)
    example: ClassVar[Mapping[str, Any]] = {"sparsity": 0.9}

    sparsity: Probability = Field(description="Fraction of each column that is zero.")
    std: NonNegativeFloat = Field(default=0.01, description="Standard deviation of the other values.")

    def spread(self, shape: tuple[int, ...]) -> float:
        """Return the root mean square."""
        return self.std * math.sqrt(1 - math.ceil(self.sparsity * shape[0]) / shape[0])
