"""Losses for one class a sample, or one class a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.losses.parameters import OLD_REDUCTIONS, Weighted
from registry_core.components import CheckFailed, DataFacts, ExampleTensor
from registry_core.components.forms import OutputForm, TargetForm, words
from registry_core.components.loss import Loss
from registry_core.components.types import PositiveFloat, PositiveInt, Probability

_IGNORED = "Targets with this number count for nothing."


class CrossEntropy(Weighted):
    """Cross entropy between logits and class numbers.

    Output: logits [batch, classes] (or [batch, classes, height, width]), floating point, not softmaxed. Target: class
    numbers [batch] (or [batch, height, width]), int64 from 0 to classes - 1; or the probability of each class, floats
    [batch, classes]. With ``weight``, the mean is divided by the sum of the weights of the targets. Source:
    ``torch.nn.CrossEntropyLoss``; label smoothing as in Szegedy et al., "Rethinking the Inception architecture", CVPR
    2016.
    """

    target = "torch.nn:CrossEntropyLoss"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps", "distributions")
    example: ClassVar[Mapping[str, Any]] = {"label_smoothing": 0.1}

    ignore_index: int = Field(default=-100, description=_IGNORED)
    label_smoothing: Probability = Field(default=0.0, description="Share of each target spread over all classes.")

    def check_targets(self, facts: DataFacts) -> None:
        """Only class numbers can be ignored by their number."""
        if self.ignore_index >= 0 and facts.target_form in ("distributions", "one_hot"):
            message = f"ignore_index is {self.ignore_index}, but the targets are {words(facts.target_form)}."
            raise CheckFailed(message, "Leave ignore_index out, or give class numbers as targets.", ("ignore_index",))


class NLL(Weighted):
    """Negative log-likelihood of class numbers.

    Output: log-probabilities [batch, classes]; log_softmax is put before it where the model emits logits, which makes
    it the same as cross entropy. Target: class numbers [batch], int64. With ``weight``, the mean is divided by the sum
    of the weights of the targets. Source: ``torch.nn.NLLLoss``.
    """

    target = "torch.nn:NLLLoss"
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)

    ignore_index: int = Field(default=-100, description=_IGNORED)


class NLL2d(Weighted):
    """Negative log-likelihood of a class number at every pixel.

    Output: log-probabilities [batch, classes, height, width]; log_softmax over the classes is put before it where the
    model emits logits. Target: class numbers [batch, height, width], int64. Source: ``torch.nn.NLLLoss``, which took
    the place of ``NLLLoss2d``.
    """

    target = "torch.nn:NLLLoss"
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_maps",)

    ignore_index: int = Field(default=-100, description=_IGNORED)


class KLDiv(Loss):
    """Kullback-Leibler divergence of the predicted distribution from the target's.

    Output: log-probabilities [batch, classes]; log_softmax is put before it where the model emits logits. Target:
    probabilities [batch, classes], or their logarithms with ``log_target``. ``batchmean`` divides the sum by the
    samples, as the divergence is defined; ``mean`` divides by the classes too. Source: ``torch.nn.KLDivLoss``.
    """

    target = "torch.nn:KLDivLoss"
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("distributions",)
    old_spellings: ClassVar[Mapping[str, str]] = OLD_REDUCTIONS

    reduction: Literal["none", "batchmean", "mean", "sum"] = Field(
        default="batchmean", description="Sum divided by the samples, mean over all elements, or sum."
    )
    log_target: bool = Field(default=False, description="Whether the targets are logarithms of probabilities.")

    def check_targets(self, facts: DataFacts) -> None:
        """The targets are logarithms where they are to be."""
        if self.log_target and facts.target_form in ("distributions", "one_hot"):
            message = f"log_target is for logarithms of probabilities, but the targets are {words(facts.target_form)}."
            raise CheckFailed(message, "Leave log_target out.", ("log_target",))


class MultiMargin(Weighted):
    """Hinge loss between the score of the right class and all others (a multi-class support vector machine).

    Output: scores [batch, classes]. Target: class numbers [batch], int64. For each wrong class
    max(0, margin - right + wrong) ** p, summed and divided by the number of classes. Source:
    ``torch.nn.MultiMarginLoss``.
    """

    target = "torch.nn:MultiMarginLoss"
    output_form: ClassVar[OutputForm] = "values"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices",)
    example: ClassVar[Mapping[str, Any]] = {"p": 2, "margin": 0.5}

    p: Literal[1, 2] = Field(default=1, description="Exponent of the hinge.")
    margin: float = Field(default=1.0, description="How far the right class must be ahead, in units of the scores.")


class AdaptiveLogSoftmax(Loss):
    """Adaptive softmax for many classes, with weights of its own that are trained too.

    Output: features [batch, in_features] of the model. Target: class numbers [batch], int64, the frequent classes
    first. Classes before the first cutoff are told apart at once, the others in clusters of fewer features. Its weights
    are called ``loss.…`` in parameter groups. Source: Grave et al., "Efficient softmax approximation for GPUs", ICML
    2017; ``torch.nn.AdaptiveLogSoftmaxWithLoss``.
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

    in_features: PositiveInt = Field(description="Features that the model emits.")
    n_classes: PositiveInt = Field(description="How many classes there are.")
    cutoffs: tuple[PositiveInt, ...] = Field(min_length=1, description="First class of each cluster, increasing.")
    div_value: PositiveFloat = Field(default=4.0, description="By how much each cluster has fewer features.")
    head_bias: bool = Field(default=False, description="Whether the first part has a bias.")

    def check_outputs(self, outputs: int | None) -> None:
        """The model emits as many features."""
        if outputs not in (None, self.in_features):
            message = f"in_features is {self.in_features}, but the model emits {outputs} features."
            raise CheckFailed(message, f"Set in_features to {outputs}.", ("in_features",))

    def check_targets(self, facts: DataFacts) -> None:
        """There are as many classes."""
        if facts.num_classes not in (None, self.n_classes):
            message = f"n_classes is {self.n_classes}, but the data have {facts.num_classes} classes."
            raise CheckFailed(message, f"Set n_classes to {facts.num_classes}.", ("n_classes",))
        if facts.largest_label is not None and facts.largest_label >= self.n_classes:
            message = f"n_classes is {self.n_classes}, but the data have the label {facts.largest_label}."
            raise CheckFailed(message, f"Set n_classes to {facts.largest_label + 1} or more.", ("n_classes",))

    @model_validator(mode="after")
    def _cutoffs_are_in_order(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise((*self.cutoffs, self.n_classes))):
            raise ValueError(f"cutoffs must increase and stay below n_classes {self.n_classes}")
        if int(self.in_features // self.div_value ** len(self.cutoffs)) < 1:
            raise ValueError("the last cluster has no feature left: use fewer cutoffs or a smaller div_value")
        return self
