"""Metrics: what is measured in an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric


class Metric(Component):
    """A figure of one evaluation, a torchmetrics metric updated with the batch entries that ``takes`` names.

    ``takes`` may name ``output`` for what the model gives.
    """

    kind: ClassVar[str] = "metric"
    takes: ClassVar[tuple[str, ...]] = ("output", "target")
    better: ClassVar[Literal["higher", "lower"]] = "higher"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    def label(self, name: str) -> str:
        """What it is called in logs, when it is registered as ``name``."""
        return name

    def build(self, classes: int | None) -> TorchMetric:
        """The metric, for a model of so many classes (None if that is not known)."""
        built: TorchMetric = self.make()
        return built
