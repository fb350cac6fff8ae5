"""Metrics of classes beyond accuracy: precision, recall and F1, for one class or several a sample, and per pixel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.metrics.accuracy import OF_CLASSES, known_classes
from registry_core.components import CheckFailed, DataFacts, Metric
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

_CLASSES = "How many classes there are; null for as many as the model tells apart."
_AVERAGE = "macro: the mean over the classes; weighted: by their samples; micro: all decisions counted together."
_IGNORED = "Targets with this number count for nothing."


class _OfClasses(Metric):
    """What metrics that count decisions by class share."""

    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES

    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """The model tells as many classes apart."""
        super().check_outputs(form, outputs)
        if outputs is not None:
            known_classes(self.name, self.num_classes, outputs)

    def build(self, classes: int | None) -> TorchMetric:
        """The metric; CheckFailed if the number of classes is not known."""
        count = known_classes(self.name, self.num_classes, classes)
        built: TorchMetric = load_target(self.target)(count, **self._options())
        return built

    def _options(self) -> dict[str, Any]:
        options = {name: value for name, value in self.arguments().items() if name != "num_classes"}
        return {**options, "validate_args": False}


class _OneClass(_OfClasses):
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    average: Literal["macro", "micro", "weighted"] = Field(default="macro", description=_AVERAGE)


class Precision(_OneClass):
    """Of the samples that the model gives a class, the share that have it.

    Output: logits or probabilities [batch, classes]; target: class numbers [batch], int64. From 0 to 1; 0 for a class
    that is never given. Source: ``torchmetrics.classification.MulticlassPrecision``.
    """

    target = "torchmetrics.classification:MulticlassPrecision"


class Recall(_OneClass):
    """Of the samples that have a class, the share that the model gives it.

    Output: logits or probabilities [batch, classes]; target: class numbers [batch], int64. From 0 to 1.
    Source: ``torchmetrics.classification.MulticlassRecall``.
    """

    target = "torchmetrics.classification:MulticlassRecall"


class F1(_OneClass):
    """The harmonic mean of precision and recall.

    Output: logits or probabilities [batch, classes]; target: class numbers [batch], int64. From 0 to 1.
    Source: ``torchmetrics.classification.MulticlassF1Score``.
    """

    target = "torchmetrics.classification:MulticlassF1Score"


class _SeveralClasses(_OfClasses):
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("logits", "probabilities")
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("multi_hot", "signs", "class_lists")

    average: Literal["macro", "micro", "weighted"] = Field(default="macro", description=_AVERAGE)
    emits: Literal["logits", "probabilities"] = Field(default="logits", description="What the model emits.")
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="A class is given if its probability, the sigmoid of a logit, is above this."
    )

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """The model emits what `emits` says."""
        super().check_outputs(form, outputs)
        if form not in ("any", self.emits):
            raise CheckFailed(
                f"The metric {self.name!r} is for {self.emits}, but the model emits {form}.",
                f"Set emits to {form}.",
            )

    def check_targets(self, facts: DataFacts) -> None:
        """There is a truth value for each class."""
        if facts.target_form == "signs" and facts.num_values == 1:
            message = f"The metric {self.name!r} takes a sign for each class, but a sample has one sign."
            raise CheckFailed(message, "Use a metric for one sign, such as distance_accuracy or pair_accuracy.")

    def _options(self) -> dict[str, Any]:
        cut = math.log(self.threshold / (1 - self.threshold)) if self.emits == "logits" else self.threshold
        return {"average": self.average, "cut": cut}


class MultiLabelPrecision(_SeveralClasses):
    """Of the samples that the model gives a class, the share that have it, where a sample has any number of classes.

    Output: logits or probabilities [batch, classes]; target: multi-hot or signs, float [batch, classes], or class
    numbers padded with -1, int64 [batch, classes]. From 0 to 1.
    Source: ``torchmetrics.classification.MultilabelPrecision``.
    """

    target = "registry_builtin.objects.multi_label_metrics:MultiLabelPrecision"


class MultiLabelRecall(_SeveralClasses):
    """Of the samples that have a class, the share that the model gives it, where a sample has any number of classes.

    Output: logits or probabilities [batch, classes]; target: multi-hot or signs, float [batch, classes], or class
    numbers padded with -1, int64 [batch, classes]. From 0 to 1.
    Source: ``torchmetrics.classification.MultilabelRecall``.
    """

    target = "registry_builtin.objects.multi_label_metrics:MultiLabelRecall"


class MultiLabelF1(_SeveralClasses):
    """The harmonic mean of precision and recall, where a sample has any number of classes.

    Output: logits or probabilities [batch, classes]; target: multi-hot or signs, float [batch, classes], or class
    numbers padded with -1, int64 [batch, classes]. From 0 to 1.
    Source: ``torchmetrics.classification.MultilabelF1Score``.
    """

    target = "registry_builtin.objects.multi_label_metrics:MultiLabelF1"


class PixelAccuracy(_OfClasses):
    """Share of pixels whose largest output is that of their class.

    Output: logits or probabilities [batch, classes, height, width]; target: class numbers [batch, height, width],
    int64. From 0 to 1. A model that always says background reaches the background's share: see ``mean_iou``.
    Source: ``torchmetrics.classification.MulticlassAccuracy`` with ``average="micro"``.
    """

    target = "torchmetrics.classification:MulticlassAccuracy"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_maps",)

    ignore_index: int | None = Field(default=None, description=_IGNORED)

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "average": "micro"}


class MeanIoU(_OfClasses):
    """Mean over the classes of intersection over union: pixels given and right, by pixels given or right.

    Output: logits or probabilities [batch, classes, height, width]; target: class numbers [batch, height, width],
    int64. From 0 to 1. Classes that are neither given nor there do not count.
    Source: ``torchmetrics.classification.MulticlassJaccardIndex`` with ``average="macro"``.
    """

    target = "torchmetrics.classification:MulticlassJaccardIndex"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_maps",)

    ignore_index: int | None = Field(default=None, description=_IGNORED)

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "average": "macro"}
