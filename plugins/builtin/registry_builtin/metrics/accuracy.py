"""Metrics: what is measured in an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_core.components import CheckFailed, DataFacts, Loss, Metric
from registry_core.components.forms import OutputForm, TargetForm, counted, words
from registry_core.components.target import load_target
from registry_core.components.types import PositiveInt

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

OF_CLASSES: tuple[OutputForm, ...] = ("logits", "log_probabilities", "probabilities")
"""What models emit of which the largest number tells the class."""

_CLASSES = "How many classes there are; null for as many as the model tells apart."


class Accuracy(Metric):
    """Share of samples whose largest output is that of their class.

    Output: logits or probabilities [batch, classes]; target: class numbers [batch], int64. From 0 to 1. The device is
    not waited for. Source: ``torchmetrics.classification.MulticlassAccuracy`` with ``average="micro"``.
    """

    target = "torchmetrics.classification:MulticlassAccuracy"
    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """The model tells as many classes apart."""
        super().check_outputs(form, outputs)
        if outputs is not None:
            known_classes(self.name, self.num_classes, outputs)

    def build(self, classes: int | None) -> TorchMetric:
        """The metric; CheckFailed if the number of classes is not known."""
        count = known_classes(self.name, self.num_classes, classes)
        built: TorchMetric = load_target(self.target)(num_classes=count, average="micro", validate_args=False)
        return built


class TopKAccuracy(Metric):
    """Share of samples whose class is among the k largest outputs.

    Output: logits or probabilities [batch, classes]; target: class numbers [batch], int64. From 0 to 1. It is called
    ``top_5_accuracy`` (with its k) in logs. Source: ``torchmetrics.classification.MulticlassAccuracy`` with
    ``average="micro"`` and ``top_k``.
    """

    target = "torchmetrics.classification:MulticlassAccuracy"
    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    k: PositiveInt = Field(default=5, description="How many of the largest outputs may hold the class.")
    num_classes: PositiveInt | None = Field(default=None, description=_CLASSES)

    def log_name(self, name: str) -> str:
        """The name in logs, with its k."""
        return f"top_{self.k}_accuracy"

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """The model tells as many classes apart, and more than k."""
        super().check_outputs(form, outputs)
        if outputs is not None and self._classes(outputs) == self.k:
            raise self._sees_all(outputs)

    def build(self, classes: int | None) -> TorchMetric:
        """The metric; CheckFailed if the number of classes is not known, or is less than k."""
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
        message = f"The metric {self.name!r} looks at the {self.k} largest of only {counted(count, 'output')}."
        return CheckFailed(message, f"Set k to {count - 1} or less." if count > 1 else "Remove the metric.")


class MeanLoss(Metric):
    """Mean of a loss over all samples of an evaluation, the same for any batch size.

    Output and target: what the loss takes. Each batch counts by its samples; for ``cross_entropy`` by the weights of
    its targets, as in the mean within a batch, so that class weights and ignored targets keep their meaning.
    """

    target = "registry_builtin.objects.mean_loss:MeanLoss"
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    loss: Loss | None = Field(default=None, description="The loss; null for cross entropy without options.")

    @model_validator(mode="after")
    def _can_be_averaged(self) -> Self:
        if self.loss is None:
            return self
        if self.loss.inputs != ("output", "target"):
            raise ValueError(
                f"the loss {self.loss.name!r} takes {', '.join(self.loss.inputs)}, not output and target; choose another"
            )
        if self.loss.terms()[0].loss is not self.loss:
            raise ValueError(f"the loss {self.loss.name!r} is made of others; name one of them")
        if self.loss.has_parameters:
            raise ValueError(f"the loss {self.loss.name!r} has weights of its own, and a metric's are not trained")
        if self.loss.is_sum:
            raise ValueError(f"the loss {self.loss.name!r} gives a sum; set its reduction to mean")
        return self

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """The loss takes what the model emits as it is: no activation is put before a metric."""
        takes: OutputForm = "logits" if self.loss is None else self.loss.output_form
        name = "cross_entropy" if self.loss is None else self.loss.name
        after_activation = ("log_probabilities", "probabilities")
        if form not in ("any", takes) and (
            takes in after_activation
            or (takes == "logits" and form in after_activation)
            or (form == "embeddings" and takes in ("logits", "values"))
        ):
            message = f"The loss {name!r} takes {words(takes)}, but the model emits {words(form)}"
            remedy = "Use cross_entropy or bce_with_logits here, or let the model emit what the loss takes."
            raise CheckFailed(f"{message}, and metrics are given just that.", remedy)
        if self.loss is not None:
            self.loss.check_outputs(outputs)

    def check_targets(self, facts: DataFacts) -> None:
        """The loss fits the targets."""
        if self.loss is not None:
            self.loss.check_targets(facts)

    def get_target_forms(self) -> tuple[TargetForm, ...]:
        """What the loss takes."""
        return ("class_indices", "class_maps", "distributions") if self.loss is None else self.loss.target_forms

    def build(self, classes: int | None) -> TorchMetric:
        """The metric."""
        loss = load_target("torch.nn:CrossEntropyLoss")() if self.loss is None else self.loss.build()
        built: TorchMetric = load_target(self.target)(loss)
        return built


def known_classes(name: str, declared: int | None, known: int | None) -> int:
    """How many classes a metric is for: as declared, else as the model tells apart; CheckFailed if they differ."""
    if declared is not None and known is not None and declared != known:
        raise CheckFailed(
            f"The metric {name!r} is for {declared} classes, and the model tells {known} apart.",
            "Leave num_classes out of the metric, or set it to that of the model.",
        )
    count = declared if declared is not None else known
    if count is None:
        raise CheckFailed(
            f"The metric {name!r} must know how many classes there are, and the model does not say.",
            "Set num_classes of the metric.",
        )
    return count
