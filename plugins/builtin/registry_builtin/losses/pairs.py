"""Losses for pairs and triplets, which pull related samples together and push others apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from registry_builtin.losses.parameters import Reducing
from registry_core.components import CheckFailed, DataFacts, Function, RunFacts, used_for
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.types import PositiveFloat

_PAIR = ("output", "second_output", "target")
_TRIPLET = ("output", "positive_output", "negative_output")
_SWAP = "Use the distance between positive and negative if it is smaller (Balntas et al., BMVC 2016)."


_LARGEST_COSINE_DISTANCE = 2.0


def _margin(message: str, remedy: str) -> CheckFailed:
    return CheckFailed(message, remedy, ("margin",), code="loss-options")


class MarginRanking(Reducing):
    """Ranking loss of two scores: max(0, margin - sign * (first - second)).

    Output and ``second_output``: scores [batch] or [batch, 1]. Target: floats [batch], 1 if the first score should be
    larger, -1 if the second should. Source: ``torch.nn.MarginRankingLoss``.
    """

    target = "registry_builtin.objects.losses:margin_ranking"
    inputs: ClassVar[tuple[str, ...]] = _PAIR
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
    example: ClassVar[Mapping[str, Any]] = {"margin": 0.5}

    margin: float = Field(default=0.0, description="Minimum difference between the scores.")

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a negative margin."""
        if self.margin >= 0:
            return ()
        message = (
            f"With margin {self.margin:g}, the loss is 0 for scores that are equal, or slightly in the wrong order."
        )
        return (_margin(message, "Set margin to 0 or more."),)


class HingeEmbedding(Reducing):
    """Hinge loss of distances: small for related pairs, above a margin for others.

    Output: distances, floating point. Target: floats of the same shape, 1 (related) or -1 (unrelated). The loss is the
    distance itself for 1, max(0, margin - distance) for -1. Source: ``torch.nn.HingeEmbeddingLoss``.
    """

    target = "registry_builtin.objects.losses:hinge_embedding"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)

    margin: float = Field(default=1.0, description="Distance beyond which unrelated pairs do not contribute.")

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return distances up to the margin."""
        return 0.0, self.margin

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a margin that every pair keeps."""
        if self.margin > 0:
            return ()
        message = f"With margin {self.margin:g}, unrelated pairs never contribute: a distance is never negative."
        return (_margin(message, "Set margin above 0."),)


class CosineEmbedding(Reducing):
    """Cosine similarity loss: 1 for related pairs, below a margin for others.

    Output and ``second_output``: embeddings [batch, features]. Target: floats [batch], 1 (related) or -1 (unrelated).
    The loss is 1 - cosine for 1, max(0, cosine - margin) for -1. Source: ``torch.nn.CosineEmbeddingLoss``.
    """

    target = "torch.nn:CosineEmbeddingLoss"
    inputs: ClassVar[tuple[str, ...]] = _PAIR
    output_form: ClassVar[OutputForm] = "embeddings"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
    example: ClassVar[Mapping[str, Any]] = {"margin": 0.2}

    margin: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=0.0, description="Cosine below which unrelated pairs do not contribute; typically 0 to 0.5."
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a margin that every pair keeps."""
        if self.margin < 1:
            return ()
        message = f"With margin {self.margin:g}, unrelated pairs never contribute: no cosine is larger than 1."
        return (_margin(message, "Set margin to a number from 0 to 0.5."),)


class TripletMargin(Reducing):
    """Triplet loss: the positive must be closer than the negative by at least a margin.

    Output, ``positive_output`` and ``negative_output``: embeddings [batch, features]. The loss is max(0, d(output,
    positive) - d(output, negative) + margin), where d is the p-norm of the difference. Source: Balntas et al.,
    "Learning local feature descriptors with triplets and shallow convolutional neural networks", BMVC 2016;
    ``torch.nn.TripletMarginLoss``.
    """

    target = "torch.nn:TripletMarginLoss"
    inputs: ClassVar[tuple[str, ...]] = _TRIPLET
    output_form: ClassVar[OutputForm] = "embeddings"
    example: ClassVar[Mapping[str, Any]] = {"margin": 0.5, "swap": True}

    margin: PositiveFloat = Field(
        default=1.0, description="Minimum difference between the negative and the positive distance."
    )
    p: PositiveFloat = Field(default=2.0, description="Order of the norm; 2 for Euclidean distance.")
    eps: PositiveFloat = Field(default=1e-6, description="Constant added to the differences before the norm.")
    swap: bool = Field(default=False, description=_SWAP)


class TripletMarginWithDistance(Reducing):
    """Triplet loss with a distance given by a registered function.

    Output, ``positive_output`` and ``negative_output``: embeddings [batch, features]; the function accepts two of them
    and returns distances [batch]. Source: ``torch.nn.TripletMarginWithDistanceLoss``.
    """

    target = "torch.nn:TripletMarginWithDistanceLoss"
    argument_names: ClassVar[dict[str, str]] = {"distance": "distance_function"}
    inputs: ClassVar[tuple[str, ...]] = _TRIPLET
    output_form: ClassVar[OutputForm] = "embeddings"
    example: ClassVar[Mapping[str, Any]] = {"distance": "cosine_distance", "margin": 0.3}

    distance: Function | None = Field(default=None, description="Registered function; null for Euclidean distance.")
    margin: PositiveFloat = Field(
        default=1.0, description="Minimum difference between the negative and the positive distance."
    )
    swap: bool = Field(default=False, description=_SWAP)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a margin that no cosine distances keep."""
        if self.margin < _LARGEST_COSINE_DISTANCE or self.distance is None or self.distance.name != "cosine_distance":
            return ()
        message = f"With margin {self.margin:g}, the loss cannot become 0: cosine distances are from 0 to 2."
        return (_margin(message, "Set margin below 2, such as 0.3."),)

    @field_validator("distance")
    @classmethod
    def _is_a_distance(cls, function: Function | None) -> Function | None:
        used_for("distances", "cosine_distance", function)
        return function

    def arguments(self) -> dict[str, object]:
        """Return the parameters with the function built."""
        found = super().arguments()
        found["distance_function"] = None if self.distance is None else self.distance.build()
        return found
