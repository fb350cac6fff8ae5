"""Init schemes for whole matrices and kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.inits.fans import _GAIN
from registry_builtin.inits.gain import Gain
from registry_core.components import CheckFailed, Init
from registry_core.components.types import NonNegativeFloat, PositiveInt, Probability


class Eye(Init):
    """The identity matrix, so that a linear layer starts by passing on its inputs.

    Needs a parameter of 2 dimensions; if it is not square, as many inputs pass as possible. Source:
    ``torch.nn.init.eye_``.
    """

    target = "torch.nn.init:eye_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, 2)


class Dirac(Init):
    """The identity of convolutions: one in the kernel's centre, zero elsewhere, so that they pass on their inputs.

    Needs a parameter of 3, 4 or 5 dimensions, the weight of a convolution; as many channels pass as possible.
    Source: ``torch.nn.init.dirac_``.
    """

    target = "torch.nn.init:dirac_"
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

    target = "torch.nn.init:orthogonal_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, None)
    example: ClassVar[Mapping[str, Any]] = {"gain": {"nonlinearity": "relu"}}

    gain: Gain = Field(default=1.0, description=f"Factor on the matrix, {_GAIN}")


class Sparse(Init):
    """Normal values around 0, of which a share of each column is set to zero.

    Needs a parameter of 2 dimensions, whose columns belong to the inputs. Of n rows, ``ceil(sparsity * n)`` are zero in
    each column. Source: Martens, "Deep learning via Hessian-free optimization", ICML 2010; ``torch.nn.init.sparse_``.
    """

    target = "torch.nn.init:sparse_"
    dimensions: ClassVar[tuple[int, int | None]] = (2, 2)
    example: ClassVar[Mapping[str, Any]] = {"sparsity": 0.9}

    sparsity: Probability = Field(description="Share of each column that is zero.")
    std: NonNegativeFloat = Field(default=0.01, description="Standard deviation of the other values.")
