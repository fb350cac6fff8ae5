"""Functions: distances of embeddings, for losses that take one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Function
from registry_core.components.function import Use
from registry_core.components.types import PositiveFloat


class CosineDistance(Function):
    """One minus the cosine of two embeddings, from 0 to 2.

    Takes two tensors [batch, features], gives [batch]. Source: ``torch.nn.functional.cosine_similarity``.
    """

    target = "registry_builtin.objects.distances:cosine_distance"
    use: ClassVar[Use] = "distances"

    eps: PositiveFloat = Field(default=1e-8, description="The smallest product of norms that is divided by.")


class PDistance(Function):
    """The p-norm of the difference of two embeddings.

    Takes two tensors [batch, features], gives [batch]. Source: ``torch.nn.functional.pairwise_distance``.
    """

    target = "registry_builtin.objects.distances:p_distance"
    use: ClassVar[Use] = "distances"
    example: ClassVar[Mapping[str, Any]] = {"p": 1}

    p: PositiveFloat = Field(default=2.0, description="The norm: 1 for the sum of differences, 2 for Euclidean.")
    eps: PositiveFloat = Field(default=1e-6, description="Added to the differences.")
