"""Metrics: the figures of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, DataFacts
from registry_core.components.forms import OutputForm, TargetForm, words

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric


class Metric(Component):
    """A metric of torchmetrics, updated with the batch entries that ``inputs`` names.

    ``output`` in ``inputs`` is the output of the model, always without an activation after it. ``output_forms`` and
    ``target_forms`` list the forms that it accepts there; empty: any.
    """

    kind: ClassVar[str] = "metric"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target")
    better: ClassVar[Literal["higher", "lower"]] = "higher"
    output_forms: ClassVar[tuple[OutputForm, ...]] = ()
    target_forms: ClassVar[tuple[TargetForm, ...]] = ()
    elementwise: ClassVar[bool] = False
    """True if it compares the output and the target value by value."""

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def log_name(self, name: str) -> str:
        """Its name in logs, if it is registered as ``name``."""
        return name

    def check_outputs(self, form: OutputForm, outputs: int | None) -> None:
        """Raise CheckFailed if it cannot measure outputs of this form and number (None: unknown)."""
        if self.output_forms and form not in ("any", *self.output_forms):
            takes = " or ".join(words(each) for each in self.output_forms)
            message = f"The metric {self.name!r} expects {takes}, but the model emits {words(form)}."
            raise CheckFailed(message, f"Use a metric for {words(form)}, or another model.")

    def get_target_forms(self) -> tuple[TargetForm, ...]:
        """Forms of the entry ``target`` that it accepts, if they depend on its parameters; (): any."""
        return self.target_forms

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the metric does not fit the targets of these data, beyond their form."""

    def build(self, classes: int | None) -> TorchMetric:
        """The metric, for a model with this number of classes (None: unknown)."""
        built: TorchMetric = self.make()
        return built
