"""Metrics: what is measured in an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, DataFacts
from registry_core.components.forms import OutputForm, TargetForm, words

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric


class Metric(Component):
    """A figure of one evaluation, a torchmetrics metric updated with the batch entries that ``inputs`` names.

    ``inputs`` may name ``output`` for what the model gives, always without an activation after it. ``output_forms`` and
    ``target_forms`` say what it can be given there; where they are empty, that is anything.
    """

    kind: ClassVar[str] = "metric"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target")
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    output_forms: ClassVar[tuple[OutputForm, ...]] = ()
    target_forms: ClassVar[tuple[TargetForm, ...]] = ()
    elementwise: ClassVar[bool] = False
    """Whether it compares each number of the output with one of the target."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def log_name(self, name: str) -> str:
        """What it is called in logs, when it is registered as ``name``."""
        return name

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """Raise CheckFailed if it cannot measure a model that emits this, and so many of it (None: not known)."""
        if self.output_forms and form not in ("any", *self.output_forms):
            takes = " or ".join(words(each) for each in self.output_forms)
            message = f"The metric {self.name!r} takes {takes}, but the model emits {words(form)}."
            raise CheckFailed(message, f"Use a metric for {words(form)}, or another model.")

    def get_target_forms(self) -> tuple[TargetForm, ...]:
        """Forms of the entry ``target`` that it takes, where that depends on its parameters; none: any."""
        return self.target_forms

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the metric does not fit the targets of these data, beyond their form."""

    def build(self, classes: int | None) -> TorchMetric:
        """The metric, for a model of so many classes (None if that is not known)."""
        built: TorchMetric = self.make()
        return built
