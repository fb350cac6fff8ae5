"""The environment of a run: required modules, and the devices and processors of this machine."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from registry_core.analysis import machine
from registry_core.checks.check import check, warning
from registry_core.checks.context import CheckContext
from registry_core.config.loading.resolve import placed_components
from registry_core.config.loading.versions import install_command
from registry_core.diagnostics import Problem


@check("missing-module")
def required_modules_are_installed(context: CheckContext) -> Iterator[Problem]:
    """The optional modules that components of the pipeline need are installed; none is imported."""
    for keys, component in placed_components(context.spec):
        missing = [module for module in component.requirements if importlib.util.find_spec(module) is None]
        if missing and context.whole(keys):
            verb = "is" if len(missing) == 1 else "are"
            needs = f"needs {' and '.join(missing)}, which {verb} not installed"
            requirements = dict.fromkeys(component.requirements[module] for module in missing)
            message = f"The {component.kind} {component.name!r} {needs}."
            yield context.problem(keys, message, install_command(requirements) or "Install it.")


@check("device")
def device_is_there(context: CheckContext) -> Iterator[Problem]:
    """This machine has the device, and it can compute in the precision of the run."""
    if not context.here or not context.whole(("train",), ("data",)):
        return
    train = context.spec.train
    there = {"cuda": machine.may_have_cuda(), "mps": machine.may_have_mps(), "auto": True, "cpu": True}
    if not there[train.device]:
        message = f"The device is {train.device}, but this machine has none."
        remedy = "Use device: auto, or, if the run will be elsewhere, validate with --elsewhere."
        yield context.problem(("train", "device"), message, remedy)
    elif train.needs_scaler and train.device == "auto" and not (there["cuda"] or there["mps"]):
        message = "fp16 needs a GPU, but this machine has none."
        remedy = "Use bf16 or fp32, or, if the run will be elsewhere, validate with --elsewhere."
        yield context.problem(("train", "precision"), message, remedy, "precision")


@warning("too-many-workers")
def workers_have_processors(context: CheckContext) -> Iterator[Problem]:
    """This machine has enough processors for the loader workers."""
    workers, processors = context.spec.data.workers, machine.processors()
    if context.here and context.whole(("train",), ("data",)) and workers > 2 * processors:
        message = f"{workers} workers are too many for {processors} processor{'' if processors == 1 else 's'}."
        remedy = f"Set workers to {processors} or fewer: they load as fast and use less memory."
        yield context.problem(("data", "workers"), message, remedy)
