"""Assemble a pipeline: from a plan to all the torch objects of a run. It reads the plan alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from registry_core.assembly.building import build
from registry_core.assembly.data.executor import Placement
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.section import build_loader
from registry_core.assembly.device import choose_device
from registry_core.assembly.model.first_values import initialise
from registry_core.assembly.model.freezing import Freezing
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.model.weights_report import WeightsReport, start_from_weights
from registry_core.assembly.optim.optimizer import build_optimizer
from registry_core.assembly.optim.parameters import ParameterGroup, group_parameters
from registry_core.assembly.optim.schedule import Schedule
from registry_core.assembly.ranks import rank
from registry_core.components import Hook, Horizon
from registry_core.config.models import Section
from registry_core.planning.plan import Plan


@dataclass
class NamedMetric:
    """A metric under its name in the logs, with the names of its inputs."""

    log_name: str
    metric: Any
    inputs: tuple[str, ...]


@dataclass
class Pipeline:
    """The torch objects of a run."""

    plan: Plan
    device: torch.device
    horizon: Horizon
    model: nn.Module
    forward: Callable[..., Any]
    """The model, compiled if the plan says so."""
    averaged: AveragedModel | None
    loss: Objective
    optimizer: torch.optim.Optimizer
    schedule: Schedule | None
    loaders: dict[Section, Loader]
    metrics: list[NamedMetric]
    hooks: list[tuple[str, object]]
    init_report: dict[str, str]
    groups: list[ParameterGroup]
    freezing: Freezing
    weights: WeightsReport | None
    """The report on the weights that the run starts from; None if it starts from none."""


@dataclass(frozen=True)
class BuiltModel:
    """The model of a plan with everything that depends on its parameters."""

    model: nn.Module
    loss: Objective
    init_report: dict[str, str]
    weights: WeightsReport | None
    freezing: Freezing
    groups: list[ParameterGroup]
    optimizer: torch.optim.Optimizer


def assemble(plan: Plan, *, fresh: bool = True, device: torch.device | None = None) -> Pipeline:
    """Build everything that a run needs; the global generators are seeded with the pipeline's seed first.

    ``fresh`` says that a run starts, so that weights of `finetune` are read; one that goes on has its own. ``device``
    is another than the plan asks for; on ``meta``, where nothing has values, metrics are on the CPU.
    """
    device = device or choose_device(plan.device, plan.step.precision)
    placement = Placement(device, plan.step.channels_last)
    loaders = {name: build_loader(section, plan.loading, placement) for name, section in plan.sections.items()}
    length = horizon(plan, loaders["train"])
    seed_everything(plan.seed)
    built = build_trained(plan, device, length.steps_per_epoch, fresh=fresh)
    scheduler = plan.optim.scheduler
    return Pipeline(
        plan=plan,
        device=device,
        horizon=length,
        model=built.model,
        forward=torch.compile(built.model) if plan.step.compile else built.model,
        averaged=_averaged(built.model, plan.step.ema_decay),
        loss=built.loss,
        optimizer=built.optimizer,
        schedule=Schedule(scheduler, built.optimizer, length) if scheduler else None,
        loaders=loaders,
        metrics=build_metrics(plan, torch.device("cpu") if device.type == "meta" else device),
        hooks=build_hooks(plan, built.model),
        init_report=built.init_report,
        groups=built.groups,
        freezing=built.freezing,
        weights=built.weights,
    )


def horizon(plan: Plan, train: Loader) -> Horizon:
    """The horizon of the plan; where the length of the data was not known before, now it is."""
    return plan.horizon or plan.horizon_for(len(train))


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch, NumPy and Python."""
    torch.manual_seed(seed)
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    random.seed(seed)


def build_trained(plan: Plan, device: torch.device, steps_per_epoch: int, *, fresh: bool) -> BuiltModel:
    """The model with its first values, the losses, what is frozen, and the optimizer of the rest."""
    model, report = build_model(plan, device)
    loss = Objective(plan.step.terms).to(device)
    weights = start_from_weights(model, plan.model.finetune) if fresh else None
    report.update(weights.first_values(report) if weights else {})
    freezing = Freezing(model, plan.model.finetune, steps_per_epoch)
    optim = plan.optim
    lr = getattr(optim.optimizer, "lr", 0.0)
    groups = group_parameters(model, optim.groups, loss, decay=optim.layer_decay, lr=lr, later=freezing.later)
    optimizer = build_optimizer(plan, model, groups, loss)
    return BuiltModel(model, loss, report, weights, freezing, groups, optimizer)


def build_model(plan: Plan, device: torch.device) -> tuple[nn.Module, dict[str, str]]:
    """The model with its first values on the device, and the rule that set each parameter."""
    declared = plan.model.declared
    with device if device.type == "meta" else nullcontext():  # nothing is allotted, not even for a moment
        model = build(declared, declared.build)
    report = initialise(model, plan.model.init)
    model.to(device)
    if plan.step.weights_channels_last:
        model.to(memory_format=torch.channels_last)
    return model, report


def build_metrics(plan: Plan, device: torch.device) -> list[NamedMetric]:
    """The metrics of an evaluation, on the device."""
    found = []
    for metric in plan.evaluation.metrics:
        built = build(metric, metric.build, plan.num_classes).to(device)
        found.append(NamedMetric(metric.log_name(metric.name), built, metric.inputs))
    return found


def build_hooks(plan: Plan, model: nn.Module) -> list[tuple[str, object]]:
    """The hooks of this process under their names, in the order of the file.

    Each may look whether the model has what it asks for. Those for the first process alone are left out in the others.
    """

    def make(hook: Hook) -> object:
        hook.check_model(model)
        return hook.build()

    return [(hook.name_in_file, build(hook, make, hook)) for hook in hooks_here(plan)]


def hooks_here(plan: Plan) -> list[Hook]:
    """The hooks of this process, in the order of the file."""
    first = rank() == 0
    return [hook for hook in plan.hooks if first or hook.processes == "all"]


def _averaged(model: nn.Module, decay: float | None) -> AveragedModel | None:
    if decay is None:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]  # torch leaves it untyped
