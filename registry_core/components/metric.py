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
    is_fraction: ClassVar[bool] = False
    """True if its values are from 0 to 1."""
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
        classes = getattr(self, "num_classes", None)
        if self.target.startswith("torchmetrics") and isinstance(classes, int) and outputs not in (None, classes):
            message = f"The metric {self.name!r} expects {classes} classes, but the model predicts {outputs}."
            raise CheckFailed(message, f"Set num_classes of the metric to {outputs}, or remove it.")

    def check_classes(self, classes: int | None) -> None:
        """Raise CheckFailed if it cannot be built for this number of classes (None: unknown)."""

    @property
    def is_logarithmic(self) -> bool | None:
        """True if it reads outputs as logarithms of what the targets are; None if it compares no values."""
        return None

    @property
    def measures(self) -> str:
        """A name of what it measures that is the same for metrics that always agree; empty: no other does."""
        return ""

    def get_target_forms(self) -> tuple[TargetForm, ...]:
        """Forms of the entry ``target`` that it accepts, if they depend on its parameters; (): any."""
        return self.target_forms

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the metric does not fit the targets of these data, beyond their form."""

    def build(self, classes: int | None) -> TorchMetric:
        """The metric, for a model with this number of classes (None: unknown), which a null ``num_classes`` becomes."""
        follows = "num_classes" in type(self).model_fields and getattr(self, "num_classes", None) is None
        known = self.model_copy(update={"num_classes": classes}) if follows and classes is not None else self
        built: TorchMetric = known.make()
        return built
