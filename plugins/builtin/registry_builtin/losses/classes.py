"""Losses for one class per sample or per pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.losses.parameters import OLD_REDUCTIONS, Weighted, WeightedMean
from registry_core.components import CheckFailed, DataFacts, ExampleTensor, ParameterError, RunFacts
from registry_core.components.forms import OutputForm, TargetForm, words
from registry_core.components.loss import Loss
from registry_core.components.target import load_target
from registry_core.components.types import PositiveFloat, PositiveInt, Probability

if TYPE_CHECKING:
    from torch import nn

_MOST_SMOOTHED = 0.5
"""Label smoothing from which on the larger part of a target is spread over all classes."""

_IGNORED = "Class index whose targets do not contribute to the loss."


class _OverTargets(WeightedMean):
    """Base of losses whose mean is divided by the weights of the targets that are not ignored."""

    ignore_index: int = Field(default=-100, description=_IGNORED)

    def mean_over(self, facts: DataFacts) -> Literal["samples", "targets"]:
        """Return targets if class weights or ignored targets may make samples count differently."""
        if self.reduction != "mean" or facts.target_form in ("distributions", "one_hot"):
            return "samples"
        may_be_ignored = self.ignore_index >= 0 or facts.num_classes is None  # the range of the labels is not known
        return "targets" if self.weight is not None or may_be_ignored else "samples"

    def build_divisor(self) -> nn.Module:
        """Build the sum of the weights of the targets that are not ignored."""
        built: nn.Module = load_target("registry_builtin.objects.losses:TargetWeights")(
            self.arguments()["weight"], self.ignore_index
        )
        return built


class CrossEntropy(_OverTargets):
    """Cross entropy between logits and class indices.

    Output: logits [batch, classes] (or [batch, classes, height, width]), floating point, without softmax. Target: class
    indices [batch] (or [batch, height, width]), int64 from 0 to classes - 1; or class probabilities, floats [batch,
    classes]. With ``weight``, the mean is divided by the sum of the weights of the targets. Source:
    ``torch.nn.CrossEntropyLoss``; label smoothing as in Szegedy et al., "Rethinking the Inception architecture", CVPR
    2016.
    """

    target = "torch.nn:CrossEntropyLoss"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps", "distributions")
    example: ClassVar[Mapping[str, Any]] = {"label_smoothing": 0.1}

    label_smoothing: Probability = Field(
        default=0.0, description="Fraction of each target that is spread evenly over all classes."
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of weights without effect, and of smoothing that hardly leaves a target."""
        found = list(super().warnings(facts))
        if self.label_smoothing >= _MOST_SMOOTHED:
            share, classes = 1 - self.label_smoothing, facts.num_classes
            left = share + self.label_smoothing / classes if classes else share
            message = f"label_smoothing {self.label_smoothing:g} leaves a target of {left:.2g} for the true class."
            remedy = "Set it to the fraction that is spread over all classes, such as 0.1."
            found.append(CheckFailed(message, remedy, ("label_smoothing",), code="loss-options"))
        return found

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if ``ignore_index`` is set and the targets are not class indices."""
        if self.ignore_index >= 0 and facts.target_form in ("distributions", "one_hot"):
            message = f"ignore_index expects class indices as targets, but they are {words(facts.target_form)}."
            raise CheckFailed(message, "Remove ignore_index, or use class indices as targets.", ("ignore_index",))


class NLL(_OverTargets):
    """Negative log-likelihood of class indices.

    Output: log-probabilities [batch, classes]; log_softmax is inserted if the model emits logits, which makes the loss
    equal to cross entropy. Target: class indices [batch], int64. With ``weight``, the mean is divided by the sum of the
    weights of the targets. Source: ``torch.nn.NLLLoss``.
    """

    target = "torch.nn:NLLLoss"
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)


class NLL2d(_OverTargets):
    """Negative log-likelihood of a class index per pixel.

    Output: log-probabilities [batch, classes, height, width]; log_softmax over the classes is inserted if the model
    emits logits. Target: class indices [batch, height, width], int64. Source: ``torch.nn.NLLLoss``, which replaced
    ``NLLLoss2d``.
    """

    target = "torch.nn:NLLLoss"
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_maps",)


class KLDiv(Loss):
    """Kullback-Leibler divergence of the predicted distribution from the target distribution.

    Output: log-probabilities [batch, classes]; log_softmax is inserted if the model emits logits. Target: probabilities
    [batch, classes], or their logarithms with ``log_target``. ``batchmean`` divides the sum by the batch size, which
    matches the definition of the divergence; ``mean`` also divides by the number of classes. Source:
    ``torch.nn.KLDivLoss``.
    """

    target = "torch.nn:KLDivLoss"
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("distributions",)
    old_spellings: ClassVar[Mapping[str, str]] = OLD_REDUCTIONS

    reduction: Literal["none", "batchmean", "mean", "sum"] = Field(
        default="batchmean", description="batchmean: sum divided by the batch size; mean over all elements; or sum."
    )
    log_target: bool = Field(default=False, description="If true, the targets are log-probabilities.")

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if ``log_target`` is set and the targets are not logarithms."""
        if self.log_target and facts.target_form in ("distributions", "one_hot"):
            message = f"log_target expects log-probabilities as targets, but they are {words(facts.target_form)}."
            raise CheckFailed(message, "Remove log_target.", ("log_target",))


class MultiMargin(Weighted):
    """Multi-class hinge loss between the score of the true class and all others.

    Output: scores [batch, classes]. Target: class indices [batch], int64. The sum of max(0, margin - true + other) ** p
    over all other classes, divided by the number of classes. Source: ``torch.nn.MultiMarginLoss``.
    """

    target = "torch.nn:MultiMarginLoss"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)
    example: ClassVar[Mapping[str, Any]] = {"p": 2, "margin": 0.5}

    p: Literal[1, 2] = Field(default=1, description="Exponent of the hinge term.")
    margin: float = Field(
        default=1.0, description="Margin by which the score of the true class must exceed the others."
    )

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a margin that equal scores keep."""
        found = list(super().warnings(facts))
        if self.margin <= 0:
            message = (
                f"With margin {self.margin:g}, the loss is 0 for a model that returns the same score for all classes."
            )
            found.append(CheckFailed(message, "Set margin above 0.", ("margin",), code="loss-options"))
        return found

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """Return scores that differ by twice the margin."""
        return -abs(self.margin), abs(self.margin)


class AdaptiveLogSoftmax(Loss):
    """Adaptive softmax for many classes, with trained parameters of its own.

    Output: features [batch, in_features] of the model. Target: class indices [batch], int64, with frequent classes
    first. Classes before the first cutoff belong to the head, the others to clusters with fewer features. Its
    parameters are named ``loss.…`` in parameter groups. Source: Grave et al., "Efficient softmax approximation for
    GPUs", ICML 2017; ``torch.nn.AdaptiveLogSoftmaxWithLoss``.
    """

    target = "registry_builtin.objects.losses:AdaptiveLogSoftmax"
    has_parameters: ClassVar[bool] = True
    output_form: ClassVar[OutputForm] = "embeddings"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)
    example: ClassVar[Mapping[str, Any]] = {"in_features": 64, "n_classes": 10, "cutoffs": [4, 7]}
    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {
        "output": ExampleTensor((4, 64)),
        "target": ExampleTensor((4,), "int64", 0, 9),
    }

    in_features: PositiveInt = Field(description="Number of features that the model emits.")
    n_classes: PositiveInt = Field(description="Number of classes.")
    cutoffs: tuple[PositiveInt, ...] = Field(
        min_length=1, description="First class of each cluster, in increasing order."
    )
    div_value: PositiveFloat = Field(
        default=4.0, description="Factor by which the number of features decreases from cluster to cluster."
    )
    head_bias: bool = Field(default=False, description="If true, the head has a bias.")

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed unless the model emits ``in_features`` features."""
        if outputs not in (None, self.in_features):
            message = f"in_features is {self.in_features}, but the model emits {outputs} features."
            raise CheckFailed(message, f"Set in_features to {outputs}.", ("in_features",))

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the number of classes differs from that of the data."""
        if facts.num_classes not in (None, self.n_classes):
            message = f"n_classes is {self.n_classes}, but the data have {facts.num_classes} classes."
            raise CheckFailed(message, f"Set n_classes to {facts.num_classes}.", ("n_classes",))
        if facts.largest_label is not None and facts.largest_label >= self.n_classes:
            message = f"n_classes is {self.n_classes}, but the data contain the label {facts.largest_label}."
            raise CheckFailed(message, f"Set n_classes to {facts.largest_label + 1} or more.", ("n_classes",))

    @model_validator(mode="after")
    def _cutoffs_are_in_order(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise((*self.cutoffs, self.n_classes))):
            message = f"`cutoffs` must increase and stay below n_classes ({self.n_classes}), not {list(self.cutoffs)!r}"
            raise ParameterError(message, "Write the first class of each cluster, in increasing order")
        if int(self.in_features // self.div_value ** len(self.cutoffs)) < 1:
            raise ParameterError("the last cluster has no features", "Use fewer cutoffs or a smaller div_value")
        return self
