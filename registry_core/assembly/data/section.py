"""Assemble one section of the data: its data set, its program, its order, and the loader of its batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from registry_core.assembly.building import build
from registry_core.assembly.data.executor import Executor, Placement
from registry_core.assembly.data.loader import Epochs, Loader
from registry_core.assembly.data.reading import Reader
from registry_core.assembly.data.sending import require_sendable
from registry_core.components.forms import counted
from registry_core.diagnostics import BrokenComponent, DataError
from registry_core.planning.plan import LoadingPlan
from registry_core.planning.program import SectionPlan


def build_loader(plan: SectionPlan, loading: LoadingPlan, placement: Placement) -> Loader:
    """The loader of one section."""
    dataset: Any = build(plan.dataset, plan.dataset.build)
    length = _length(plan, dataset)
    sampler = plan.sampler
    targets = _targets(plan, dataset) if sampler.needs_targets else None
    reader = Reader(plan.section, plan.dataset.name, dataset, plan.num_classes, plan.ignored_classes)
    epochs = Epochs(
        order=build(sampler, sampler.build, length, targets),
        seed=plan.seed,
        samples=sampler.epoch_length(length),
        batch_size=plan.batch_size,
        drop_last=plan.drop_last,
    )
    pin = placement.device.type == "cuda" if loading.pin_memory is None else loading.pin_memory
    executor = Executor.of(plan, reader, placement)
    declared = {operation.keys: operation.transform for operation in plan.operations}
    sent = [(declared[built.keys], built) for built in executor.transforms_where_loaded()]
    parts = [(plan.dataset, dataset), *sent, *([] if plan.skipping is None else [(sampler, epochs.order)])]
    require_sendable(parts, loading.workers)
    return Loader(executor, epochs, plan.skipping, workers=loading.workers, pin_memory=pin)


def _length(plan: SectionPlan, dataset: Any) -> int:
    length, name = len(dataset), plan.dataset.name
    if plan.facts.length not in (None, length):
        message = f"The dataset {name!r} of data.{plan.section} declares {plan.facts.length} samples, but has {length}."
        raise BrokenComponent(message).blaming(plan.dataset)
    if length == 0:
        raise DataError(f"The dataset {name!r} of data.{plan.section} is empty.").blaming(plan.dataset)
    return length


def _targets(plan: SectionPlan, dataset: Any) -> Any:
    targets, declared = getattr(dataset, "targets", None), plan.dataset
    message = f"The sampler {plan.sampler.name!r} needs the class of every sample, but "
    if targets is None:
        message += f"the dataset {declared.name!r} has no `targets`."
        raise DataError(message, "Use the sampler 'shuffled'.").blaming(declared)
    if plan.skipping is not None and plan.num_classes is not None:  # a class for each wrong label would be drawn
        found = np.asarray(targets)
        wrong = int(((found < 0) | (found >= plan.num_classes)).sum())
        if wrong:
            message += f"{counted(wrong, 'label')} of data.{plan.section} are outside the classes."
            raise DataError(message, "Correct the labels, or use the sampler 'shuffled'.").blaming(declared)
    return targets
