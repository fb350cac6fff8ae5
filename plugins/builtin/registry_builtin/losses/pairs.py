"""Losses for pairs and triplets: what belongs together is drawn together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from registry_builtin.losses.parameters import Reducing
from registry_core.components import Function, used_for
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.types import PositiveFloat

_PAIR = ("output", "second_output", "target")
_TRIPLET = ("output", "positive_output", "negative_output")
_SWAP = "Use the distance from positive to negative where it is the smaller one (Balntas et al., BMVC 2016)."


class MarginRanking(Reducing):
    """Which of two scores is the larger one: max(0, margin - sign * (first - second)).

    Output and ``second_output``: scores [batch] or [batch, 1]. Target: floats [batch], 1 if the first is to be the
    larger one, -1 if the second is. Source: ``torch.nn.MarginRankingLoss``.
    """

    target = "registry_builtin.objects.losses:margin_ranking"
    inputs: ClassVar[tuple[str, ...]] = _PAIR
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
    example: ClassVar[Mapping[str, Any]] = {"margin": 0.5}

    margin: float = Field(default=0.0, description="How far apart the scores must be.")


class HingeEmbedding(Reducing):
    """Small distances for pairs that belong together, distances above a margin for the others.

    Output: distances, floating point. Target: floats of the same shape, 1 (together) or -1. The distance itself for 1,
    max(0, margin - distance) for -1. Source: ``torch.nn.HingeEmbeddingLoss``.
    """

    target = "registry_builtin.objects.losses:hinge_embedding"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)

    margin: float = Field(default=1.0, description="Distance from which pairs apart count for nothing.")


class CosineEmbedding(Reducing):
    """Cosine 1 for pairs that belong together, cosines below a margin for the others.

    Output and ``second_output``: embeddings [batch, features]. Target: floats [batch], 1 (together) or -1.
    1 - cosine for 1, max(0, cosine - margin) for -1. Source: ``torch.nn.CosineEmbeddingLoss``.
    """

    target = "torch.nn:CosineEmbeddingLoss"
    inputs: ClassVar[tuple[str, ...]] = _PAIR
    output_form: ClassVar[OutputForm] = "embeddings"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
    example: ClassVar[Mapping[str, Any]] = {"margin": 0.2}

    margin: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=0.0, description="Cosine below which pairs apart count for nothing; 0 to 0.5 is usual."
    )


class TripletMargin(Reducing):
    """The distance to what belongs together plus a margin below the distance to what does not.

    Output, ``positive_output`` and ``negative_output``: embeddings [batch, features].
    max(0, d(output, positive) - d(output, negative) + margin), d the p-norm. Source: Balntas et al., "Learning local
    feature descriptors with triplets and shallow convolutional neural networks", BMVC 2016;
    ``torch.nn.TripletMarginLoss``.
    """

    target = "torch.nn:TripletMarginLoss"
    inputs: ClassVar[tuple[str, ...]] = _TRIPLET
    output_form: ClassVar[OutputForm] = "embeddings"
    example: ClassVar[Mapping[str, Any]] = {"margin": 0.5, "swap": True}

    margin: PositiveFloat = Field(default=1.0, description="How much nearer the positive one must be.")
    p: PositiveFloat = Field(default=2.0, description="The norm: 2 for Euclidean distances.")
    eps: PositiveFloat = Field(default=1e-6, description="Added to differences before the norm.")
    swap: bool = Field(default=False, description=_SWAP)


class TripletMarginWithDistance(Reducing):
    """The triplet loss with a distance that a function gives.

    Output, ``positive_output`` and ``negative_output``: embeddings [batch, features]; the function takes two of them
    and gives distances [batch]. Source: ``torch.nn.TripletMarginWithDistanceLoss``.
    """

    target = "torch.nn:TripletMarginWithDistanceLoss"
    argument_names: ClassVar[dict[str, str]] = {"distance": "distance_function"}
    inputs: ClassVar[tuple[str, ...]] = _TRIPLET
    output_form: ClassVar[OutputForm] = "embeddings"
    example: ClassVar[Mapping[str, Any]] = {"distance": "cosine_distance", "margin": 0.3}

    distance: Function | None = Field(default=None, description="A registered function; null: Euclidean distance.")
    margin: PositiveFloat = Field(default=1.0, description="How much nearer the positive one must be.")
    swap: bool = Field(default=False, description=_SWAP)

    @field_validator("distance")
    @classmethod
    def _is_a_distance(cls, function: Function | None) -> Function | None:
        used_for("distances", "cosine_distance", function)
        return function

    def arguments(self) -> dict[str, object]:
        """The parameters, with the function built."""
        found = super().arguments()
        found["distance_function"] = None if self.distance is None else self.distance.build()
        return found
