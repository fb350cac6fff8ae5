"""Classification metrics beyond accuracy: precision, recall and F1, multi-class, multi-label and per pixel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.metrics.accuracy import CORRECT, OF_CLASSES, known_classes
from registry_core.components import CheckFailed, DataFacts, Metric
from registry_core.components.forms import OutputForm, TargetForm, words
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

_CLASSES = "Number of classes; null for the number that the model predicts."
_AVERAGE = "macro: mean over the classes; weighted: mean weighted by the number of samples; micro: over all decisions."
_IGNORED = "Class index whose targets are ignored; null for that of the loss if it is none of the model's classes."


class _OfClasses(Metric):
    """Base of metrics that count decisions per class."""

    is_fraction: ClassVar[bool] = True
    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES

    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """Raise CheckFailed if the model predicts another number of classes."""
        super().check_outputs(form, outputs)
        if outputs is not None:
            known_classes(self.name, self.num_classes, outputs)

    def check_classes(self, classes: int | None) -> None:
        """Raise CheckFailed if the number of classes is unknown."""
        known_classes(self.name, self.num_classes, classes)

    def build(self, classes: int | None) -> TorchMetric:
        """Build the metric; CheckFailed if the number of classes is unknown."""
        count = known_classes(self.name, self.num_classes, classes)
        built: TorchMetric = load_target(self.target)(count, **self._options())
        return built

    def _options(self) -> dict[str, Any]:
        options = {name: value for name, value in self.arguments().items() if name != "num_classes"}
        return {**options, "validate_args": False}


class _OneClass(_OfClasses):
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    average: Literal["macro", "micro", "weighted"] = Field(default="macro", description=_AVERAGE)

    @property
    def measures(self) -> str:
        """Return the fraction of correct samples for the micro average, which counts a sample as one decision."""
        return CORRECT if self.average == "micro" else ""


class Precision(_OneClass):
    """Fraction of the samples predicted as a class that belong to it.

    Output: logits or probabilities [batch, classes]. Target: class indices [batch], int64. Range: 0 to 1; 0 for a class
    that is never predicted. Source: ``torchmetrics.classification.MulticlassPrecision``.
    """

    target = "torchmetrics.classification:MulticlassPrecision"


class Recall(_OneClass):
    """Fraction of the samples of a class that are predicted as it.

    Output: logits or probabilities [batch, classes]. Target: class indices [batch], int64. Range: 0 to 1. Source:
    ``torchmetrics.classification.MulticlassRecall``.
    """

    target = "torchmetrics.classification:MulticlassRecall"

    @property
    def measures(self) -> str:
        """Return the fraction of correct samples also for the weighted average."""
        return CORRECT if self.average == "weighted" else super().measures


class F1(_OneClass):
    """Harmonic mean of precision and recall.

    Output: logits or probabilities [batch, classes]. Target: class indices [batch], int64. Range: 0 to 1. Source:
    ``torchmetrics.classification.MulticlassF1Score``.
    """

    target = "torchmetrics.classification:MulticlassF1Score"


class _SeveralClasses(_OfClasses):
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("logits", "probabilities")
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("multi_hot", "signs", "class_lists")

    average: Literal["macro", "micro", "weighted"] = Field(default="macro", description=_AVERAGE)
    emits: Literal["logits", "probabilities"] = Field(default="logits", description="Form of the model's output.")
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="Probability, the sigmoid of a logit, above which a class is predicted."
    )

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """Raise CheckFailed if the model emits another form than `emits`."""
        super().check_outputs(form, outputs)
        if form not in ("any", self.emits):
            raise CheckFailed(
                f"The metric {self.name!r} expects {self.emits}, but the model emits {words(form)}.",
                f"Set emits to {form}.",
            )

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed unless there is one target per class."""
        if facts.target_form == "signs" and facts.num_values == 1:
            message = f"The metric {self.name!r} expects one sign per class, but samples have a single sign."
            raise CheckFailed(message, "Use a metric for single signs, such as distance_accuracy or pair_accuracy.")

    def _options(self) -> dict[str, Any]:
        cut = math.log(self.threshold / (1 - self.threshold)) if self.emits == "logits" else self.threshold
        return {"average": self.average, "cut": cut}


class MultiLabelPrecision(_SeveralClasses):
    """Fraction of the samples predicted to have a class that have it, for multi-label targets.

    Output: logits or probabilities [batch, classes]. Target: multi-hot vectors or signs, float [batch, classes], or
    class indices padded with -1, int64 [batch, classes]. Range: 0 to 1. Source:
    ``torchmetrics.classification.MultilabelPrecision``.
    """

    target = "registry_builtin.objects.multi_label_metrics:MultiLabelPrecision"


class MultiLabelRecall(_SeveralClasses):
    """Fraction of the samples with a class that are predicted to have it, for multi-label targets.

    Output: logits or probabilities [batch, classes]. Target: multi-hot vectors or signs, float [batch, classes], or
    class indices padded with -1, int64 [batch, classes]. Range: 0 to 1. Source:
    ``torchmetrics.classification.MultilabelRecall``.
    """

    target = "registry_builtin.objects.multi_label_metrics:MultiLabelRecall"


class MultiLabelF1(_SeveralClasses):
    """Harmonic mean of precision and recall, for multi-label targets.

    Output: logits or probabilities [batch, classes]. Target: multi-hot vectors or signs, float [batch, classes], or
    class indices padded with -1, int64 [batch, classes]. Range: 0 to 1. Source:
    ``torchmetrics.classification.MultilabelF1Score``.
    """

    target = "registry_builtin.objects.multi_label_metrics:MultiLabelF1"


class PixelAccuracy(_OfClasses):
    """Fraction of pixels whose class has the largest output.

    Output: logits or probabilities [batch, classes, height, width]. Target: class indices [batch, height, width],
    int64. Range: 0 to 1. A model that always predicts background reaches the share of the background: see ``mean_iou``.
    Source: ``torchmetrics.classification.MulticlassAccuracy`` with ``average="micro"``.
    """

    target = "torchmetrics.classification:MulticlassAccuracy"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_maps",)

    ignore_index: int | None = Field(default=None, description=_IGNORED)

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "average": "micro"}


class MeanIoU(_OfClasses):
    """Mean intersection over union (Jaccard index) over the classes.

    Output: logits or probabilities [batch, classes, height, width]. Target: class indices [batch, height, width],
    int64. Range: 0 to 1. Classes that are neither predicted nor present are ignored. Source:
    ``torchmetrics.classification.MulticlassJaccardIndex`` with ``average="macro"``.
    """

    target = "torchmetrics.classification:MulticlassJaccardIndex"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_maps",)

    ignore_index: int | None = Field(default=None, description=_IGNORED)

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "average": "macro"}
