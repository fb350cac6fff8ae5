"""Hooks that plot evaluations in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from registry_core.components import CheckFailed, Hook, RunFacts
from registry_core.components.forms import TargetForm, words

if TYPE_CHECKING:
    pass
from registry_builtin.hooks.tensorboard_parts import EXTRA, OBJECTS


class _OfEvaluation(Hook):
    """Base of hooks that plot at every evaluation."""

    _targets: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps")

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the run does not evaluate, or its outputs or targets are not classes."""
        if not facts.evaluates:
            remedy = "Add data.val, and keep train.evaluate_every at its default."
            raise CheckFailed(f"The hook {self.name!r} requires evaluations, but this run has none.", remedy)
        if facts.target_form not in (*self._targets, "any"):
            message = f"The hook {self.name!r} expects {words(self._targets[0])} as targets"
            message += f", but receives {words(facts.target_form)}."
            raise CheckFailed(message, "Remove the hook.")
        if "output" not in facts.outputs:
            outputs = ", ".join(facts.outputs)
            message = f"The hook {self.name!r} requires the output 'output', but the model returns {outputs}."
            raise CheckFailed(message, "Remove the hook.")
        if facts.output_form in ("embeddings", "values"):
            message = f"The hook {self.name!r} requires class scores, but the model emits {words(facts.output_form)}."
            raise CheckFailed(message, "Remove the hook.")
        classes = facts.sections["val"].num_classes
        if None not in (facts.num_outputs, classes) and facts.num_outputs != classes:
            message = (
                f"The hook {self.name!r} requires one output per class, but the model has {facts.num_outputs} outputs"
            )
            raise CheckFailed(f"{message} and data.val has {classes} classes.", "Remove the hook.")


class TensorBoardConfusionMatrix(_OfEvaluation):
    """Plot the confusion matrix of every evaluation: rows are true classes, columns predicted ones.

    Output: logits or probabilities [batch, classes, ...]. Target: class indices [batch, ...]; negative ones are
    ignored. Values are printed for up to 20 classes. Source: tensorboardX.SummaryWriter.add_figure.
    """

    target = f"{OBJECTS}.tensorboard_evaluation:ConfusionMatrix"
    requirements: ClassVar[Mapping[str, str]] = {"matplotlib": EXTRA}

    normalize: bool = Field(
        default=False, description="If true, shows fractions of each true class, 0 to 1, instead of counts."
    )


class TensorBoardPrCurve(_OfEvaluation):
    """Plot the precision-recall curve of every class at every evaluation.

    Output: logits, log-probabilities or probabilities [batch, classes]. Target: class indices [batch], negative ones
    ignored, or multi-hot vectors [batch, classes], for which sigmoid replaces softmax. Source:
    tensorboardX.SummaryWriter.add_pr_curve and add_pr_curve_raw.
    """

    target = f"{OBJECTS}.tensorboard_evaluation:PrCurve"
    _targets: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "multi_hot")

    raw: bool = Field(
        default=False,
        description="If true, counts per threshold on the device, batch by batch, instead of keeping all scores; "
        "the curves are the same.",
    )
    thresholds: int = Field(default=127, ge=2, le=127, description="Number of thresholds, evenly spaced from 0 to 1.")
