"""Failures of a step or an evaluation as problems with a place in the file: never a traceback, whatever is raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch

from registry_core.analysis.targets import reads_class_maps
from registry_core.assembly.data.executor import Executor, LoadedBatch
from registry_core.assembly.data.targets import target_check
from registry_core.assembly.model.inputs import MissingEntry
from registry_core.assembly.torch_errors import is_not_deterministic, is_out_of_memory, needs_values
from registry_core.config import Section
from registry_core.diagnostics import DataError, Keys, Problem, RegistryError, RunError
from registry_core.diagnostics.sentences import describe_error
from registry_core.engine.calls import Calls
from registry_core.planning.plan import Plan
from registry_core.registry.blame import origin_in

_DO_NOT_FIT = (RuntimeError, ValueError, TypeError, IndexError, KeyError)
"""Errors of torch for wrong shapes, types or devices: a mistake in the file. All others are the component's."""


def failure(plan: Plan, calls: Calls, error: BaseException, section: Section, on_meta: bool) -> Problem:
    """The problem that ended a step or an evaluation: the call, its arguments, the section, and the reason."""
    cause = error.__cause__ if isinstance(error, RunError) and error.__cause__ is not None else error
    at = calls.at_work
    if not at.is_backward:  # that is of several components
        at = replace(at, what=f"{at.what}{origin_in(cause)}")
    if isinstance(cause, RegistryError):
        return problem_of(cause, cause.keys or at.keys)
    if on_meta and needs_values(cause):
        return not_on_meta(f"{at.what} cannot be run", cause, at.keys)
    if isinstance(cause, MissingEntry):
        return missing_entry(plan, cause, at.keys, section)
    message = f"{at} failed on a batch of data.{section}: {describe_error(cause)}."
    if is_out_of_memory(cause):
        return too_large(message, ("data", "batch_size"))
    if is_not_deterministic(cause) and plan.step.deterministic:
        remedy = "Set train.deterministic to false to allow it."
        return Problem(message, remedy, keys=("train", "deterministic"), code="not-deterministic")
    loss = calls.loss
    if at.is_backward and not (isinstance(loss, torch.Tensor) and loss.requires_grad):
        message = f"The loss {plan.spec.loss.name!r} cannot be differentiated: {describe_error(cause)}."
        remedy = "Use a loss that is a differentiable function of the model's output."
        return Problem(message, remedy, keys=("loss",), code="not-differentiable")
    remedy = _remedy(at.keys, cause)
    if on_meta:
        remedy = f"{remedy} Leave out --on meta to see whether it fails on a real device, too.".lstrip()
    return Problem(message, remedy, keys=at.keys, exit_code=exit_code_of(cause), code="component-failed")


def class_out_of_range(plan: Plan, executor: Executor, loaded: LoadedBatch) -> DataError | None:
    """The error of a class map with a value that is no class, if a batch that failed has one.

    torch names no sample for it, and on CUDA not even the value. Single class indices are checked as they are read.
    """
    target = loaded.entries.get("target")
    facts = plan.sections[executor.section].facts
    if not isinstance(target, torch.Tensor) or target.ndim != 3 or target.is_floating_point():
        return None
    if not reads_class_maps(plan.spec, facts.target_form):  # its numbers are values
        return None
    check = target_check(plan.spec, replace(facts, target_form="class_maps"), plan.sections["train"].facts)
    for row, values in enumerate(target.cpu()):
        if said := check.problem({"target": values}):
            named = executor.reader.named(loaded.request.indices[row // executor.views])
            remedy = "Correct the targets, set ignore_index of the loss to a value that is no class, or change the "
            remedy += "model's number of classes."
            return DataError(f"{named} has a wrong target. {said}", remedy).at("data", executor.section, "dataset")
    return None


def missing_entry(plan: Plan, error: MissingEntry, keys: Keys, section: Section) -> Problem:
    """The problem of an input that a batch lacks: the component, the section, and the entries that are there."""
    outputs = plan.model.declared.outputs
    entries = [name for name in error.known if name not in outputs]
    message = f"The {error.kind} {error.reader!r} reads {error.entry!r}, "
    message += f"which the samples of data.{section} do not have; they have {_listed(entries)}."
    if error.kind == "model":
        remedy = "Use another model or data with this entry."
        return Problem(message, remedy, keys=("model",), code="missing-entry")
    if error.kind == "metric":
        named = [metric.log_name(metric.name) for metric in plan.evaluation.metrics]
        keys = ("metrics", named.index(error.reader))
    message += f" The model returns {_listed(outputs)}."
    remedy = "Use a model that returns it, data with this entry, or another name here."
    return Problem(message, remedy, keys=keys, code="missing-entry")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def problem_of(error: RegistryError, keys: Keys) -> Problem:
    """The problem of an error of registry-core at these keys."""
    return Problem(error.message, error.remedy, keys=keys, exit_code=exit_code_of(error), code=error.code)


def _remedy(keys: Keys, cause: BaseException) -> str:
    if not isinstance(cause, _DO_NOT_FIT):
        return "Report it to its authors or use another component."
    if keys[:1] == ("metrics",):
        return "Use a metric that fits the model and the data."
    if keys[:1] == ("loss",):
        return "Use a loss that fits the model and the data."
    return "Change its parameters or its inputs so that they fit." if keys == ("model",) else ""


def too_large(message: str, keys: Keys) -> Problem:
    """The problem of memory that could not be allocated."""
    return Problem(message, "Use a smaller batch_size or a smaller model.", keys=keys, code="out-of-memory")


def exit_code_of(error: BaseException) -> int:
    """The exit code for an error in the code of a component: 2 if parts do not fit, 3 if the component is broken."""
    if isinstance(error, RunError):
        return 2
    if isinstance(error, RegistryError):
        return error.exit_code
    return 2 if isinstance(error, _DO_NOT_FIT) else 3


def not_on_meta(message: str, cause: BaseException, keys: Keys) -> Problem:
    """The problem of an operation that the meta device does not support."""
    said = f"{message} on the meta device, where tensors have no values: {describe_error(cause)}."
    return Problem(said, "Leave out --on meta to check it on a real device.", keys=keys, code="not-on-meta")
