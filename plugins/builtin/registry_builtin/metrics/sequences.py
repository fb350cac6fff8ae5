"""Metrics of sequences: how much of what is read is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from registry_builtin.metrics.accuracy import OF_CLASSES
from registry_core.components import CheckFailed, DataFacts, ExampleTensor, Metric
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.target import load_target
from registry_core.components.types import NonNegativeInt

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric


class LabelErrorRate(Metric):
    """Wrong labels in sequences that a model read, as a share of the labels that there are.

    Output: scores [batch, time, classes]; target: labels [batch, longest], int64, of which the first `target_length`
    [batch] count. Read is the largest score of each time step, with repeated labels taken once and blanks left out
    (best path decoding); wrong are the labels to change, to put in or to take out until both sequences agree
    (Levenshtein distance). From 0; above 1 if too much is read. Source: Graves et al., "Connectionist temporal
    classification", ICML 2006.
    """

    target = "registry_builtin.objects.label_errors:LabelErrorRate"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target", "target_length")
    example_inputs: ClassVar[Mapping[str, ExampleTensor]] = {
        "output": ExampleTensor((4, 12, 6)),
        "target": ExampleTensor((4, 5), "int64", 1, 5),
        "target_length": ExampleTensor((4,), "int64", 1, 5),
    }
    output_forms: ClassVar[tuple[OutputForm, ...]] = OF_CLASSES
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("sequences",)
    better: ClassVar[Literal["higher", "lower"]] = "lower"

    blank: NonNegativeInt = Field(default=0, description="The class that means no label, as in the loss.")

    def check_targets(self, facts: DataFacts) -> None:
        """The blank is that of the data."""
        if facts.blank not in (None, self.blank):
            message = f"The blank of {self.name!r} is class {self.blank}, and that of the data is {facts.blank}."
            raise CheckFailed(message, f"Set blank to {facts.blank}.", ("blank",))

    def build(self, classes: int | None) -> TorchMetric:
        """The metric."""
        built: TorchMetric = load_target(self.target)(self.blank)
        return built
