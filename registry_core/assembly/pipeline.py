"""Assemble a pipeline: from a plan to all the torch objects of a run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from registry_core.analysis.data import horizon
from registry_core.assembly.checked import build
from registry_core.assembly.data.loader import BatchSource, Loader
from registry_core.assembly.data.samples import BatchTransforms, SampleTransforms
from registry_core.assembly.data.sending import require_sendable
from registry_core.assembly.device import choose_device
from registry_core.assembly.model.first_values import initialise
from registry_core.assembly.model.freezing import Freezing
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.model.weights_report import WeightsReport, start_from_weights
from registry_core.assembly.optim.optimizer import build_optimizer
from registry_core.assembly.optim.parameters import ParameterGroup, group_parameters
from registry_core.assembly.optim.schedule import Schedule
from registry_core.assembly.processes import rank
from registry_core.checks.forms import classified
from registry_core.checks.transforms import facts_after
from registry_core.components import Component, Dataset, Hook, Horizon
from registry_core.config import Section, Spec
from registry_core.config.models import DataSection
from registry_core.diagnostics import BrokenComponent, DataError
from registry_core.planning.plan import Plan, SectionPlan


@dataclass
class NamedMetric:
    """A metric under its name in the logs, with what it is updated with."""

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
    """The model, compiled if the pipeline asks for it."""
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
    """What was loaded of the weights that a run starts from."""


def assemble(plan: Plan, *, fresh: bool = True, device: torch.device | None = None) -> Pipeline:
    """Build everything that a run needs; the global generators are seeded with the pipeline's seed first.

    ``fresh`` is whether a run starts, so that weights of `finetune` are read; one that goes on has its own. ``device``
    is another than ``train.device`` asks for; on ``meta``, where nothing has values, metrics are on the CPU.
    """
    spec = plan.spec
    device = device or choose_device(spec.train)
    loaders = {name: build_loader(plan, section, device) for name, section in plan.sections.items()}
    length = horizon(spec, len(loaders["train"].source.dataset))
    seed_everything(spec.seed)
    model, report = build_model(spec, device)
    loss = Objective(spec.loss, spec.model.outputs, spec.model.get_output_form()).to(device)
    weights = start_from_weights(model, spec.finetune) if fresh else None
    report.update(weights.first_values(report) if weights else {})
    freezing = Freezing(model, spec.finetune, length.steps_per_epoch)
    groups = grouped(spec, model, loss, freezing)
    optimizer = build_optimizer(spec, model, groups, loss)
    scheduler = spec.optim.scheduler
    return Pipeline(
        plan=plan,
        device=device,
        horizon=length,
        model=model,
        forward=torch.compile(model) if spec.train.compile else model,
        averaged=_averaged(model, plan),
        loss=loss,
        optimizer=optimizer,
        schedule=Schedule(scheduler, optimizer, length) if scheduler else None,
        loaders=loaders,
        metrics=build_metrics(plan, torch.device("cpu") if device.type == "meta" else device),
        hooks=build_hooks(spec, model),
        init_report=report,
        groups=groups,
        freezing=freezing,
        weights=weights,
    )


def grouped(spec: Spec, model: nn.Module, loss: Objective, freezing: Freezing) -> list[ParameterGroup]:
    """The parameter groups that the pipeline asks for."""
    optim = spec.optim
    lr = getattr(optim.optimizer, "lr", 0.0)
    return group_parameters(model, optim.groups, loss, decay=optim.layer_decay, lr=lr, later=freezing.later)


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch, NumPy and Python."""
    torch.manual_seed(seed)
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    random.seed(seed)


def build_model(spec: Spec, device: torch.device) -> tuple[nn.Module, dict[str, str]]:
    """The model with its first values on the device, and which rule set each parameter."""
    with device if device.type == "meta" else nullcontext():  # nothing is allotted, not even for a moment
        model = build(spec.model, spec.model.build)
    report = initialise(model, spec.init)
    model.to(device)
    # Weights of L-BFGS stay as they are: it looks at each as a vector, which it cannot do in the other memory order.
    if spec.train.channels_last and not spec.optim.optimizer.needs_closure:
        model.to(memory_format=torch.channels_last)
    return model, report


def build_metrics(plan: Plan, device: torch.device) -> list[NamedMetric]:
    """The metrics of an evaluation, on the device."""
    return [
        NamedMetric(metric.log_name(metric.name), build(metric, metric.build, plan.classes).to(device), metric.inputs)
        for metric in plan.spec.metrics
    ]


def build_hooks(spec: Spec, model: nn.Module) -> list[tuple[str, object]]:
    """The hooks of this process under their names, in the order of the file.

    Each may look whether the model has what it wants. Those for the first process alone are left out in the others.
    """

    def make(hook: Hook) -> object:
        hook.check_model(model)
        return hook.build()

    first = rank() == 0
    return [(hook.name_in_file, build(hook, make, hook)) for hook in spec.hooks if first or hook.processes == "all"]


def build_loader(plan: Plan, section: SectionPlan, device: torch.device) -> Loader:
    """The loader of one section."""
    spec = plan.spec
    declared = spec.data.sections()[section.section]
    dataset: Any = build(declared.dataset, declared.dataset.build)
    length = len(dataset)
    if section.facts.length not in (None, length):
        message = (
            f"The dataset {declared.dataset.name!r} of data.{section.section} declares {section.facts.length} samples"
        )
        raise BrokenComponent(f"{message}, but has {length}.").blaming(declared.dataset)
    if length == 0:
        message = f"The dataset {declared.dataset.name!r} of data.{section.section} is empty."
        raise DataError(message).blaming(declared.dataset)
    sampler = section.sampler
    targets = _targets(dataset, declared.dataset, sampler.name) if sampler.needs_targets else None
    transforms, batch_transforms, device_transforms = _transforms(plan, section.section)
    sent = _sent_to_workers(declared, transforms, batch_transforms)
    require_sendable([(declared.dataset, dataset), *sent], spec.data.workers)
    targets_after = facts_after(declared, section.facts)
    by_class = classified(spec) and (targets_after.target_form, targets_after.num_values) != ("signs", 1)
    pin = spec.data.pin_memory
    return Loader(
        BatchSource(
            dataset,
            transforms,
            section.section,
            declared.dataset.name,
            plan.classes if by_class else None,
            batch_transforms,
        ),
        build(sampler, sampler.build, length, targets),
        device_transforms,
        seed=spec.seed,
        samples=sampler.epoch_length(length),
        batch_size=section.batch_size,
        drop_last=section.drop_last,
        workers=spec.data.workers,
        pin_memory=device.type == "cuda" if pin is None else pin,
    )


def _transforms(plan: Plan, section: Section) -> tuple[SampleTransforms, BatchTransforms, BatchTransforms]:
    """The transforms of samples, of batches, and of batches on the device; they know how many classes there are."""
    declared, seed = plan.spec.data.sections()[section], plan.spec.seed
    samples = tuple(each.for_classes(plan.classes) for each in declared.transforms)
    batches = tuple(each.for_classes(plan.classes) for each in declared.batch_transforms)
    of_batches = BatchTransforms.of(batches, seed, f"data.{section}.batch_transforms")
    return SampleTransforms(samples, seed, f"data.{section}.transforms"), *of_batches


def _sent_to_workers(
    declared: DataSection, transforms: SampleTransforms, batch_transforms: BatchTransforms
) -> Iterator[tuple[Component, object]]:
    """The transforms of a section that loader processes apply, each with what was built of it."""
    loaded = [each for each in declared.batch_transforms if not each.on_device]
    yield from zip(declared.transforms, transforms.steps, strict=True)
    yield from zip(loaded, batch_transforms.steps, strict=True)


def _targets(dataset: Any, declared: Dataset, sampler: str) -> Any:
    targets = getattr(dataset, "targets", None)
    if targets is None:
        message = f"The sampler {sampler!r} needs the class of every sample"
        message += f", but the dataset {declared.name!r} has no `targets`."
        raise DataError(f"{message} Use the sampler 'shuffled'.").blaming(declared)
    return targets


def _averaged(model: nn.Module, plan: Plan) -> AveragedModel | None:
    ema = plan.spec.train.ema
    if ema is None:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema.decay))  # type: ignore[no-untyped-call]  # torch leaves it untyped
