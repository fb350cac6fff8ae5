"""Functions: distances between embeddings, for losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_core.components import Function
from registry_core.components.function import Use
from registry_core.components.types import PositiveFloat


class CosineDistance(Function):
    """One minus the cosine similarity of two embeddings, from 0 to 2.

    Input: two tensors [batch, features]. Output: [batch]. Source: ``torch.nn.functional.cosine_similarity``.
    """

    target = "registry_builtin.objects.distances:cosine_distance"
    use: ClassVar[Use] = "distances"

    eps: PositiveFloat = Field(default=1e-8, description="Lower bound of the product of norms in the denominator.")


class PDistance(Function):
    """The p-norm of the difference of two embeddings.

    Input: two tensors [batch, features]. Output: [batch]. Source: ``torch.nn.functional.pairwise_distance``.
    """

    target = "registry_builtin.objects.distances:p_distance"
    use: ClassVar[Use] = "distances"
    example: ClassVar[Mapping[str, Any]] = {"p": 1}

    p: PositiveFloat = Field(default=2.0, description="Order of the norm: 1 for Manhattan, 2 for Euclidean distance.")
    eps: PositiveFloat = Field(default=1e-6, description="Constant added to the differences.")
