"""What only the built model tells: parameter groups with counts, first values, and the learning-rate curve."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch

from registry_core.build.checked import build
from registry_core.build.freezing import Freezing
from registry_core.build.objective import Objective
from registry_core.build.optimizer import build_optimizer
from registry_core.build.parameter_table import group_data, group_table
from registry_core.build.parameters import ParameterGroup
from registry_core.build.pipeline import build_model, grouped
from registry_core.build.weights_report import WeightsReport, start_from_weights
from registry_core.components import Horizon
from registry_core.plan.plan import Plan


@dataclass(frozen=True)
class Preview:
    """Parameters by group, which rule gave each its first values, and the learning rate at the start of each epoch."""

    groups: list[ParameterGroup]
    lr: float | None
    """The optimizer's own learning rate."""
    init: dict[str, str]
    weights: WeightsReport | None
    rates: list[float]

    def __str__(self) -> str:
        lines = ["parameters", *group_table(self.groups, self.lr)]
        if self.weights:
            lines.append(str(self.weights))
        lines.append("first values")
        width = max(len(name) for name in self.init)
        lines += [f"  {name:<{width}}  {rule}" for name, rule in self.init.items()]
        if self.rates:
            lines.append(f"learning rate at the start of each epoch: {', '.join(f'{rate:.4g}' for rate in self.rates)}")
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "parameter_groups": group_data(self.groups, self.lr),
            "weights": self.weights.data() if self.weights else None,
            "init": self.init,
            "learning_rates": self.rates,
        }


def preview_of(plan: Plan) -> Preview:
    """Build the model of a plan and look at it."""
    spec = plan.spec
    model, report = build_model(spec, torch.device("cpu"))
    weights = start_from_weights(model, spec.finetune)
    report.update(weights.first_values(report) if weights else {})
    loss = Objective(spec.loss, spec.model.gives, spec.model.emits())
    freezing = Freezing(model, spec.finetune)
    groups = grouped(spec, model, loss, freezing)
    optimizer = build_optimizer(spec, model, groups, loss)
    rates = _rates(plan, optimizer, plan.horizon) if plan.horizon else []
    return Preview(groups, getattr(spec.optim.optimizer, "lr", None), report, weights, rates)


def _rates(plan: Plan, optimizer: torch.optim.Optimizer, horizon: Horizon) -> list[float]:
    optim = plan.spec.optim
    if optim.scheduler is None or optim.scheduler.counts == "evaluation":
        return [float(optimizer.param_groups[0]["lr"])] * horizon.epochs
    scheduler: Any = build(optim.scheduler, optim.scheduler.build, optimizer, horizon)
    rates = []
    with warnings.catch_warnings():  # torch warns that the optimizer never stepped, as is meant here
        warnings.simplefilter("ignore", UserWarning)
        for step in range(horizon.total_steps):
            if step % horizon.steps_per_epoch == 0:
                rates.append(float(optimizer.param_groups[0]["lr"]))
            epoch_ends = (step + 1) % horizon.steps_per_epoch == 0
            last = step + 1 == horizon.total_steps
            if not last and (optim.scheduler.counts == "step" or epoch_ends):
                scheduler.step()
    return rates
