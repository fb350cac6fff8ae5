"""What only the built model tells: parameter groups with counts, first values, and the learning-rate curve."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch

from registry_core.build.checked import build
from registry_core.build.objective import Objective
from registry_core.build.parameters import ParameterGroup, for_optimizer, group_parameters
from registry_core.build.pipeline import build_model
from registry_core.components import Horizon
from registry_core.plan.plan import Plan


@dataclass(frozen=True)
class Preview:
    """Parameters by group, which rule gave each its first values, and the learning rate at the start of each epoch."""

    groups: list[ParameterGroup]
    init: dict[str, str]
    rates: list[float]

    def __str__(self) -> str:
        lines = ["parameters"]
        for group in self.groups:
            options = (
                ", ".join(f"{name} {value}" for name, value in group.options.items()) or "the optimizer's own options"
            )
            lines.append(
                f"  {group.pattern or 'all others'}: {len(group.names)} tensors, {group.count:,} numbers; {options}"
            )
        lines.append("first values")
        width = max(len(name) for name in self.init)
        lines += [f"  {name:<{width}}  {rule}" for name, rule in self.init.items()]
        if self.rates:
            lines.append(f"learning rate at the start of each epoch: {', '.join(f'{rate:.4g}' for rate in self.rates)}")
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        groups = [
            {"pattern": g.pattern, "options": g.options, "tensors": list(g.names), "numbers": g.count}
            for g in self.groups
        ]
        return {"parameter_groups": groups, "init": self.init, "learning_rates": self.rates}


def preview_of(plan: Plan) -> Preview:
    """Build the model of a plan and look at it."""
    model, report = build_model(plan.spec, torch.device("cpu"))
    loss = Objective(plan.spec.loss, plan.spec.model.gives, plan.spec.model.emits())
    groups = group_parameters(model, plan.spec.optim.groups, loss)
    parameters = for_optimizer(model, groups, loss)
    rates = _rates(plan, parameters, plan.horizon) if plan.horizon else []
    return Preview(groups, report, rates)


def _rates(plan: Plan, parameters: list[Any], horizon: Horizon) -> list[float]:
    optim = plan.spec.optim
    optimizer = build(optim.optimizer, optim.optimizer.build, parameters)
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
