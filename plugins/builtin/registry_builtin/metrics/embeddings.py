"""Metrics of embeddings, distances and scores: closeness of related samples and correctness of rankings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from registry_core.components import Metric
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.target import load_target
from registry_core.components.types import PositiveFloat

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

_DISTANCE = "euclidean: norm of the difference; cosine: 1 minus the cosine similarity."
_THRESHOLD = "Distance below which two samples are predicted to have the same class."


class _Compared(Metric):
    is_fraction: ClassVar[bool] = True

    def build(self, classes: int | None) -> TorchMetric:
        """Build the metric."""
        options: dict[str, Any] = self.arguments()
        built: TorchMetric = load_target(self.target)(**options)
        return built


class NearestNeighbourAccuracy(_Compared):
    """Fraction of samples whose nearest neighbour in the evaluation has the same class.

    Output: embeddings [batch, features]. Target: class indices [batch], int64. Range: 0 to 1. All embeddings are kept
    until the end of the evaluation: 4 bytes per feature and sample. Of several equally near neighbours, the first one
    counts.
    """

    target = "registry_builtin.objects.embedding_metrics:NearestNeighbourAccuracy"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    distance: Literal["euclidean", "cosine"] = Field(default="euclidean", description=_DISTANCE)


class PairAccuracy(_Compared):
    """Fraction of pairs of embeddings that are correctly predicted to have the same class or different classes.

    Output and `second_output`: embeddings [batch, features]. Target: 1 for the same class, -1 for different ones,
    [batch]. Range: 0 to 1.
    """

    target = "registry_builtin.objects.embedding_metrics:PairAccuracy"
    inputs: ClassVar[tuple[str, ...]] = ("output", "second_output", "target")
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("embeddings", "logits")
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)

    distance: Literal["euclidean", "cosine"] = Field(default="cosine", description=_DISTANCE)
    threshold: PositiveFloat = Field(default=0.5, description=_THRESHOLD)


class DistanceAccuracy(_Compared):
    """Fraction of distances that correctly predict whether two samples have the same class.

    Output: distances [batch]. Target: 1 for the same class, -1 for different ones, [batch]. Range: 0 to 1.
    """

    target = "registry_builtin.objects.embedding_metrics:DistanceAccuracy"
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("values",)
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
    elementwise: ClassVar[bool] = True

    threshold: PositiveFloat = Field(default=0.5, description=_THRESHOLD)


class RankingAccuracy(_Compared):
    """Fraction of pairs of scores in the right order.

    Output and `second_output`: scores [batch]. Target: 1 if the first score should be larger, -1 if it should be
    smaller, [batch]. Ties count as wrong. Range: 0 to 1.
    """

    target = "registry_builtin.objects.embedding_metrics:RankingAccuracy"
    inputs: ClassVar[tuple[str, ...]] = ("output", "second_output", "target")
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("values",)
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
