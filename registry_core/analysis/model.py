"""The model and its losses: its output, its modules, and the activation before each loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from registry_core.analysis.activations import Activation, activation_before
from registry_core.components import CheckFailed, DataFacts, Model, Modules, Shape
from registry_core.components.forms import OutputForm
from registry_core.components.loss import LossTerm
from registry_core.components.model import LayerFacts, OutputEnd
from registry_core.config.models import Spec


@dataclass(frozen=True)
class ModelAnalysis:
    """The facts of a model before it is built; costly ones are computed once, when they are first read."""

    declared: Model

    @cached_property
    def output_form(self) -> OutputForm:
        """The form of its output."""
        return self.declared.get_output_form()

    @cached_property
    def num_outputs(self) -> int | None:
        """Values that it returns for a sample, for a classifier the number of classes; None if unknown."""
        return self.declared.num_outputs()

    @cached_property
    def errors(self) -> Sequence[CheckFailed]:
        """Its layers that do not fit each other."""
        return self.declared.errors()

    @cached_property
    def output_shape(self) -> Shape | None:
        """The shape of its first output for a sample; None if unknown, or if its layers do not fit."""
        return None if self.errors else self.declared.output_shape()

    @cached_property
    def output_end(self) -> OutputEnd | None:
        """The last layer that determines the values of its first output; None if unknown."""
        return None if self.errors else self.declared.output_end()

    @cached_property
    def modules(self) -> Modules | None:
        """Its modules; None if they are not known before it is built."""
        return self.declared.modules()

    @cached_property
    def layers(self) -> Sequence[LayerFacts]:
        """Its layers, if they are known before it is built."""
        return self.declared.layer_facts()


@dataclass(frozen=True)
class TermAnalysis:
    """One term of the loss, and the activation before it."""

    term: LossTerm
    activation: Activation | None
    """None if it needs none, or if none makes it fit the output of the model."""
    error: CheckFailed | None
    """The output of the model does not fit it, with or without an activation."""
    reads_model: bool
    """Its first input is an output of the model, not an entry of the samples."""
    over: Literal["samples", "targets"] = "samples"
    """The divisor of its mean, the same in every section."""


def analyse_terms(spec: Spec, output_form: OutputForm, targets: Sequence[DataFacts]) -> tuple[TermAnalysis, ...]:
    """The terms of the loss of a spec, in the order of the file; ``targets`` are the facts of every section."""
    return tuple(_analysed(term, spec.model.outputs, output_form, targets) for term in spec.loss.terms())


def _analysed(term: LossTerm, outputs: tuple[str, ...], form: OutputForm, targets: Sequence[DataFacts]) -> TermAnalysis:
    reads_model = bool(term.inputs) and term.inputs[0] in outputs
    over = _mean_over(term, targets)
    try:
        return TermAnalysis(term, activation_before(term, outputs, form), None, reads_model, over)
    except CheckFailed as failed:
        return TermAnalysis(term, None, failed, reads_model, over)


def _mean_over(term: LossTerm, targets: Sequence[DataFacts]) -> Literal["samples", "targets"]:
    known = targets if "target" in term.inputs else [DataFacts()]
    return "targets" if any(term.loss.mean_over(facts) == "targets" for facts in known) else "samples"
