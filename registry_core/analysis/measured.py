"""The metrics that a run measures, and the components that watch them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from registry_core.components import Component
from registry_core.config.models import Spec
from registry_core.diagnostics import Keys

Direction = Literal["higher", "lower"]

WATCHING = ("monitor", "best")
"""The parameters of components that name a metric."""


def metric_names(spec: Spec) -> dict[str, Direction]:
    """The metrics that a run of this spec measures, each with its better direction."""
    measured: dict[str, Direction] = {"train/loss": "lower"}
    if spec.data.val is not None and spec.train.evaluate_every is not None:
        measured["val/loss"] = "lower"
        for metric in spec.metrics:
            measured[f"val/{metric.log_name(metric.name)}"] = metric.better
    return measured


def watchers(spec: Spec) -> list[tuple[Keys, Component]]:
    """The components that may watch a metric, with their places."""
    found: list[tuple[Keys, Component]] = [(("hooks", index), hook) for index, hook in enumerate(spec.hooks)]
    return found if spec.optim.scheduler is None else [*found, (("optim", "scheduler"), spec.optim.scheduler)]


def metrics_watched_by(component: Component) -> tuple[str, ...]:
    """The metrics that the parameters of a component name."""
    named = (getattr(component, parameter, None) for parameter in WATCHING)
    return tuple(name for name in named if isinstance(name, str))


class MetricWatch(NamedTuple):
    """A metric that a component watches, and the parameter for its better direction."""

    metric: str
    parameter: Literal["better", "mode"]
    better: Direction

    def value_for(self, better: Direction) -> str:
        """The value of the parameter for this better direction."""
        return better if self.parameter == "better" else {"higher": "max", "lower": "min"}[better]


def direction_watched(component: Component) -> MetricWatch | None:
    """The better direction of a component with a parameter ``monitor``; None if the metric decides it."""
    metric = getattr(component, "monitor", None)
    if not isinstance(metric, str):
        return None
    better, mode = getattr(component, "better", None), component.arguments().get("mode")
    if better == "higher" or better == "lower":
        return MetricWatch(metric, "better", better)
    if mode in ("min", "max"):
        return MetricWatch(metric, "mode", "lower" if mode == "min" else "higher")
    return None
