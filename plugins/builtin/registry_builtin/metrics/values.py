"""Regression metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from registry_core.components import Metric
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.target import load_target

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric


class _OfValues(Metric):
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    elementwise: ClassVar[bool] = True
    output_forms: ClassVar[tuple[OutputForm, ...]] = ("values", "logits", "probabilities", "embeddings")
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("values", "counts", "signs", "multi_hot", "distributions")

    log_output: bool = Field(default=False, description="If true, outputs are logarithms, as `poisson_nll` expects.")

    @property
    def is_logarithmic(self) -> bool:
        """Return ``log_output``."""
        return self.log_output

    def build(self, classes: int | None) -> TorchMetric:
        """Build the metric."""
        built: TorchMetric = load_target(self.target)(self.log_output)
        return built


class MeanAbsoluteError(_OfValues):
    """Mean absolute error over all elements.

    Output and target: floating point, of the same shape; [batch, 1] matches [batch]. Unit: that of the target. Source:
    ``torchmetrics.regression.MeanAbsoluteError``.
    """

    target = "registry_builtin.objects.value_metrics:MeanAbsoluteError"


class MeanSquaredError(_OfValues):
    """Mean squared error over all elements.

    Output and target: floating point, of the same shape; [batch, 1] matches [batch]. Unit: that of the target, squared.
    Source: ``torchmetrics.regression.MeanSquaredError``.
    """

    target = "registry_builtin.objects.value_metrics:MeanSquaredError"
