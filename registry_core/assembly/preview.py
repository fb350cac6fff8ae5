"""The facts that only a built model shows: parameter groups with counts, initial values, learning-rate curves."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import torch

from registry_core.assembly.model.weights_report import WeightsReport
from registry_core.assembly.optim.parameter_table import group_data, group_table
from registry_core.assembly.optim.parameters import ParameterGroup
from registry_core.assembly.optim.schedule import Schedule
from registry_core.assembly.pipeline import build_trained
from registry_core.components import Horizon
from registry_core.config.places import placed
from registry_core.diagnostics.printable import printable
from registry_core.planning.plan import Plan
from registry_core.registry.session_objects import copied_objects


@dataclass(frozen=True)
class Rates:
    """The learning rates of one parameter group: in the first step of each epoch, and in the last step."""

    starts: list[float]
    last: float

    def __str__(self) -> str:
        return f"{', '.join(f'{rate:.4g}' for rate in self.starts)}; in the last step: {self.last:.4g}"


@dataclass(frozen=True)
class Preview:
    """Parameters by group, the init rule of each, and the course of the learning rates."""

    groups: list[ParameterGroup]
    lr: float | None
    """The optimizer's own learning rate."""
    init: dict[str, str]
    weights: WeightsReport | None
    rates: list[Rates]
    """The rates of each group; empty if the length of the run is not known."""

    def __str__(self) -> str:
        lines = ["parameters", *group_table(self.groups, self.lr)]
        if self.weights:
            lines += str(self.weights).splitlines()
        lines.append("initial values")
        width = max(len(name) for name in self.init)
        lines += [f"  {name:<{width}}  {rule}" for name, rule in self.init.items()]
        for number, rates in enumerate(self.rates):
            if number == 0 or rates != self.rates[0]:
                of = f" of group {number}" if number else ""
                lines.append(f"learning rate{of} at the start of each epoch: {rates}")
        return "\n".join(map(printable, lines))

    def data(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "parameter_groups": group_data(self.groups, self.lr),
            "weights": self.weights.data() if self.weights else None,
            "init": self.init,
            "learning_rates": [asdict(rates) for rates in self.rates],
        }


def preview_of(plan: Plan) -> Preview:
    """Build the model of a plan and report on it."""
    with placed(plan.places), copied_objects():
        built = build_trained(plan, torch.device("cpu"), 1, fresh=True)
        rates = _rates(plan, built.optimizer, plan.horizon) if plan.horizon and plan.horizon.total_steps else []
    lr = getattr(plan.optim.optimizer, "lr", None)
    return Preview(built.groups, lr, built.init_report, built.weights, rates)


def _rates(plan: Plan, optimizer: torch.optim.Optimizer, horizon: Horizon) -> list[Rates]:
    scheduler = plan.optim.scheduler
    schedule = Schedule(scheduler, optimizer, horizon) if scheduler else None
    starts: list[list[float]] = []
    now: list[float] = []
    with warnings.catch_warnings():  # torch warns that the optimizer never stepped, which is intended here
        warnings.simplefilter("ignore", UserWarning)
        for step in range(horizon.total_steps):
            now = [float(group["lr"]) for group in optimizer.param_groups]
            if step % horizon.steps_per_epoch == 0:
                starts.append(now)
            if schedule is not None:
                schedule.advance(step + 1, (step + 1) % horizon.steps_per_epoch == 0, {})
    return [Rates(list(of_group), last) for of_group, last in zip(zip(*starts, strict=True), now, strict=True)]
