"""Accuracy metrics, and losses as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, DataFacts, Loss, Metric, ParameterError
from registry_core.components.forms import OutputForm, TargetForm, counted, words
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

OF_CLASSES: tuple[OutputForm, ...] = ("logits", "log_probabilities", "probabilities")
"""Forms of output whose largest element indicates the class."""

CORRECT = "fraction of correct samples"

_CLASSES = "Number of classes; null for the number that the model predicts."


class Accuracy(Metric):
    """Fraction of samples whose class has the largest output.

    Output: logits or probabilities [batch, classes]. Target: class indices [batch], int64. Range: 0 to 1. Updating it
    does not synchronize with the device. Source: ``torchmetrics.classification.MulticlassAccuracy`` with
    ``average="micro"``.
    """

    target = "torchmetrics.classification:MulticlassAccuracy"
    is_fraction: ClassVar[bool] = True
    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    @property
    def measures(self) -> str:
        """Return the fraction of correct samples."""
        return CORRECT

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
        built: TorchMetric = load_target(self.target)(num_classes=count, average="micro", validate_args=False)
        return built


class TopKAccuracy(Metric):
    """Fraction of samples whose class is among the k largest outputs.

    Output: logits or probabilities [batch, classes]. Target: class indices [batch], int64. Range: 0 to 1. In logs it is
    named ``top_5_accuracy`` (with its k). Source: ``torchmetrics.classification.MulticlassAccuracy`` with
    ``average="micro"`` and ``top_k``.
    """

    target = "torchmetrics.classification:MulticlassAccuracy"
    is_fraction: ClassVar[bool] = True
    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    k: PositiveInt = Field(default=5, description="Number of largest outputs to consider.")
    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    @property
    def measures(self) -> str:
        """Return the fraction of correct samples for k = 1."""
        return CORRECT if self.k == 1 else ""

    def log_name(self, name: str) -> str:
        """Return the name in logs, with its k."""
        return f"top_{self.k}_accuracy"

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """Raise CheckFailed if the model predicts another number of classes, or no more than k."""
        super().check_outputs(form, outputs)
        if outputs is not None and self._classes(outputs) == self.k:
            raise self._sees_all(outputs)

    def check_classes(self, classes: int | None) -> None:
        """Raise CheckFailed if the number of classes is unknown, or less than k."""
        self._classes(classes)

    def build(self, classes: int | None) -> TorchMetric:
        """Build the metric; CheckFailed if the number of classes is unknown or less than k."""
        count = self._classes(classes)
        built: TorchMetric = load_target(self.target)(
            num_classes=count, top_k=self.k, average="micro", validate_args=False
        )
        return built

    def _classes(self, known: int | None) -> int:
        count = known_classes(self.name, self.num_classes, known)
        if self.k > count:
            raise self._sees_all(count)
        return count

    def _sees_all(self, count: int) -> CheckFailed:
        message = f"The metric {self.name!r} considers the {self.k} largest of only {counted(count, 'output')}."
        return CheckFailed(message, f"Set k to {count - 1} or less." if count > 1 else "Remove the metric.")


class MeanLoss(Metric):
    """Mean of a loss over all samples of an evaluation, independent of the batch size.

    Output and target: as for the loss. Each batch is weighted by its number of samples or, for losses whose mean is
    over the targets that count, by these, so that class weights and ignored targets keep their meaning.
    """

    target = "registry_builtin.objects.mean_loss:MeanLoss"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    loss: Loss | None = Field(default=None, description="Loss; null for cross entropy with default parameters.")

    @model_validator(mode="after")
    def _can_be_averaged(self) -> Self:
        if self.loss is None:
            return self
        if self.loss.inputs != ("output", "target"):
            message = f"the loss {self.loss.name!r} expects {', '.join(self.loss.inputs)}, not output and target"
            raise ParameterError(message, "Choose another loss")
        if self.loss.terms()[0].loss is not self.loss:
            raise ParameterError(f"the loss {self.loss.name!r} is composed of several losses", "Choose one of them")
        if self.loss.has_parameters:
            message = f"the loss {self.loss.name!r} has trained parameters, but a metric cannot be trained"
            raise ParameterError(message, "Choose a loss without parameters")
        if self.loss.is_sum:
            raise ParameterError(f"the loss {self.loss.name!r} sums over the batch", "Set its reduction to mean")
        return self

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """Raise CheckFailed if the loss requires an activation, since none is inserted before a metric."""
        takes: OutputForm = "logits" if self.loss is None else self.loss.output_form
        name = "cross_entropy" if self.loss is None else self.loss.name
        after_activation = ("log_probabilities", "probabilities")
        if form not in ("any", takes) and (
            takes in after_activation
            or (takes == "logits" and form in after_activation)
            or (form == "embeddings" and takes in ("logits", "values"))
        ):
            message = f"The loss {name!r} expects {words(takes)}, but the model emits {words(form)}"
            remedy = f"Use cross_entropy or bce_with_logits here, or a model that emits {words(takes)}."
            raise CheckFailed(f"{message}, which metrics receive unchanged.", remedy)
        if self.loss is not None:
            self.loss.check_outputs(outputs)

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the loss does not fit the targets."""
        if self.loss is not None:
            self.loss.check_targets(facts)

    def get_target_forms(self) -> tuple[TargetForm, ...]:
        """Return the target forms of the loss."""
        return ("class_indices", "class_maps", "distributions") if self.loss is None else self.loss.target_forms

    def build(self, classes: int | None) -> TorchMetric:
        """Build the metric."""
        from registry_builtin.losses.classes import CrossEntropy  # another kind, needed only where one is built

        loss = self.loss or CrossEntropy()
        over_targets = loss.mean_over(DataFacts()) == "targets"
        divisor = loss.build_divisor() if over_targets else None
        built: TorchMetric = load_target(self.target)((loss.summed() if over_targets else loss).build(), divisor)
        return built


def known_classes(name: str, declared: int | None, known: int | None) -> int:
    """Return the declared number of classes, else that of the model; CheckFailed if they differ or are unknown."""
    if declared is not None and known is not None and declared != known:
        raise CheckFailed(
            f"The metric {name!r} expects {declared} classes, but the model predicts {known}.",
            f"Set num_classes of the metric to {known}, or remove it.",
        )
    count = declared if declared is not None else known
    if count is None:
        raise CheckFailed(
            f"The metric {name!r} requires the number of classes, but neither the model nor the data declare it.",
            "Set num_classes of the metric.",
        )
    return count
