"""Metrics of embeddings, distances and scores: do related samples lie together, and does the order come out right?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from registry_core.components import Metric
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.target import load_target
from registry_core.components.types import PositiveFloat

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

_DISTANCE = "euclidean: the length of the difference; cosine: 1 less the cosine of the angle between both."
_THRESHOLD = "Two samples are said to be of one class if their distance is below this."


class _Compared(Metric):
    def build(self, classes: int | None) -> TorchMetric:
        """The metric."""
        options: dict[str, Any] = self.arguments()
        built: TorchMetric = load_target(self.target)(**options)
        return built


class NearestNeighbourAccuracy(_Compared):
    """Share of samples whose nearest other sample of the evaluation is of their class.

    Output: embeddings [batch, features]; target: class numbers [batch], int64. From 0 to 1. All embeddings are kept
    until the end of the evaluation: 4 bytes for each feature of each sample. Of several nearest the first one counts.
    """

    target = "registry_builtin.objects.embedding_metrics:NearestNeighbourAccuracy"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    distance: Literal["euclidean", "cosine"] = Field(default="euclidean", description=_DISTANCE)


class PairAccuracy(_Compared):
    """Share of pairs of embeddings that are told right to be of one class or of two.

    Output and `second_output`: embeddings [batch, features]; target: 1 for one class, -1 for two, [batch]. From 0 to 1.
    """

    target = "registry_builtin.objects.embedding_metrics:PairAccuracy"
    inputs: ClassVar[tuple[str, ...]] = ("output", "second_output", "target")
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("embeddings", "logits")
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)

    distance: Literal["euclidean", "cosine"] = Field(default="cosine", description=_DISTANCE)
    threshold: PositiveFloat = Field(default=0.5, description=_THRESHOLD)


class DistanceAccuracy(_Compared):
    """Share of distances that tell right whether two samples are of one class or of two.

    Output: distances [batch]; target: 1 for one class, -1 for two, [batch]. From 0 to 1.
    """

    target = "registry_builtin.objects.embedding_metrics:DistanceAccuracy"
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("values",)
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
    elementwise: ClassVar[bool] = True

    threshold: PositiveFloat = Field(default=0.5, description=_THRESHOLD)


class RankingAccuracy(_Compared):
    """Share of pairs of scores that are in the right order.

    Output and `second_output`: scores [batch]; target: 1 if the first one should be larger, -1 if it should be smaller,
    [batch]. Equal scores are wrong. From 0 to 1.
    """

    target = "registry_builtin.objects.embedding_metrics:RankingAccuracy"
    inputs: ClassVar[tuple[str, ...]] = ("output", "second_output", "target")
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("values",)
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("signs",)
