"""Metrics of sequences: label errors."""

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
    """Label error rate: the edit distance between predicted and target sequences, per target label.

    Output: scores [batch, time, classes]. Target: labels [batch, longest], int64, of which the first `target_length`
    [batch] count. The prediction is the largest score of each time step, with repeated labels merged and blanks removed
    (best path decoding); errors are substitutions, insertions and deletions (Levenshtein distance). Range: from 0;
    above 1 if too many labels are predicted. Source: Graves et al., "Connectionist temporal classification", ICML 2006.
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

    blank: NonNegativeInt = Field(
        default=0, description="Index of the blank class, which means no label, as in the loss."
    )

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the data have another blank."""
        if facts.blank not in (None, self.blank):
            message = f"The blank of {self.name!r} is class {self.blank}, but that of the data is {facts.blank}."
            raise CheckFailed(message, f"Set blank to {facts.blank}.", ("blank",))

    def build(self, classes: int | None) -> TorchMetric:
        """Build the metric."""
        built: TorchMetric = load_target(self.target)(self.blank)
        return built
