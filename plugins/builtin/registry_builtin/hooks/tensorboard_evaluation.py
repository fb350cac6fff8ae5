"""Hooks that draw evaluations in TensorBoard."""

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
    """What is drawn at every evaluation."""

    _targets: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps")

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the run does not evaluate, or if its outputs and targets are not those of classes."""
        if not facts.evaluates:
            remedy = "Add data.val, and leave train.evaluate_every at its default."
            raise CheckFailed(f"The hook {self.name!r} draws evaluations, and this run has none.", remedy)
        if facts.target_form not in (*self._targets, "any"):
            message = (
                f"The hook {self.name!r} is for {words(self._targets[0])} as targets, not {words(facts.target_form)}."
            )
            raise CheckFailed(message, "Remove the hook.")
        if "output" not in facts.outputs:
            message = f"The hook {self.name!r} is for models that give 'output', and this one gives {', '.join(facts.outputs)}."
            raise CheckFailed(message, "Remove the hook.")
        if facts.output_form in ("embeddings", "values"):
            message = f"The hook {self.name!r} is for models of classes, and this one emits {facts.output_form}."
            raise CheckFailed(message, "Remove the hook.")
        classes = facts.sections["val"].num_classes
        if None not in (facts.num_outputs, classes) and facts.num_outputs != classes:
            message = f"The hook {self.name!r} is for an output a class, but the model has {facts.num_outputs} outputs"
            raise CheckFailed(f"{message}, and data.val has {classes} classes.", "Remove the hook.")


class TensorBoardConfusionMatrix(_OfEvaluation):
    """Draw the confusion matrix of every evaluation: rows are true classes, columns what the model says.

    Output: logits or probabilities [batch, classes, ...]; target: class numbers [batch, ...]; those below 0 are left
    out. Numbers are written into matrices of up to 20 classes. Source: tensorboardX.SummaryWriter.add_figure.
    """

    target = f"{OBJECTS}.tensorboard_evaluation:ConfusionMatrix"
    requirements: ClassVar[Mapping[str, str]] = {"matplotlib": EXTRA}

    normalize: bool = Field(default=False, description="Show shares of each true class, 0 to 1, instead of counts.")


class TensorBoardPrCurve(_OfEvaluation):
    """Draw precision and recall of every class over all thresholds, at every evaluation.

    Output: logits, log-probabilities or probabilities [batch, classes]; target: class numbers [batch], those below 0
    left out, or multi-hot [batch, classes], for which logits go through a sigmoid instead of a softmax. Source:
    tensorboardX.SummaryWriter.add_pr_curve and add_pr_curve_raw.
    """

    target = f"{OBJECTS}.tensorboard_evaluation:PrCurve"
    _targets: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "multi_hot")

    raw: bool = Field(
        default=False,
        description="Count by threshold on the device, batch by batch, instead of keeping all scores; the same curves.",
    )
    thresholds: int = Field(default=127, ge=2, le=127, description="Number of thresholds, evenly from 0 to 1.")
