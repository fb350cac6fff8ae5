"""Failures of a dry run as problems with a place in the file: never a traceback, whatever a plugin raises."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from registry_core.assembly.torch_errors import is_not_deterministic, is_out_of_memory, needs_values
from registry_core.components import Component
from registry_core.config import Section
from registry_core.config.places import keys_of
from registry_core.diagnostics import BrokenComponent, Keys, PipelineError, Problem, RegistryError, RunError
from registry_core.diagnostics.sentences import describe_error
from registry_core.engine.hooks import Hooks
from registry_core.inspection.dry_run.calls import Calls
from registry_core.planning.plan import Plan

_DO_NOT_FIT = (RuntimeError, ValueError, TypeError, IndexError, KeyError)
"""Errors of torch for wrong shapes, types or devices: a mistake in the file. All others are the component's."""


def not_built(plan: Plan, error: BaseException, device: torch.device) -> Sequence[Problem]:
    """The problems of a failed build."""
    if isinstance(error, PipelineError):
        return error.problems
    about = error.about if isinstance(error, RegistryError) else None
    keys = (error.keys or keys_of(about, plan.spec)) if isinstance(error, RegistryError) else ()
    cause = error.__cause__ or error
    message = f"The {about.label if isinstance(about, Component) else 'pipeline'} cannot be built"
    if is_out_of_memory(cause):
        return [_too_large(f"{message}: {describe_error(cause)}.", keys)]
    if device.type == "meta" and needs_values(cause):
        return [_not_on_meta(message, cause, keys)]
    if isinstance(error, RegistryError):
        return [_of_error(error, keys)]
    return [Problem(f"{message}: {describe_error(error)}.", exit_code=_exit_code(error), code="component-failed")]


def failure(plan: Plan, calls: Calls, error: BaseException, section: Section, on_meta: bool) -> Problem:
    """The problem that ended a step or an evaluation: the call, its arguments, the section, and the reason."""
    cause = error.__cause__ if isinstance(error, RunError) and error.__cause__ is not None else error
    at = calls.at_work
    if isinstance(cause, RegistryError):
        return _of_error(cause, cause.keys or at.keys)
    if on_meta and needs_values(cause):
        return _not_on_meta(f"{at.what} cannot be run", cause, at.keys)
    message = f"{at} failed on a batch of data.{section}: {describe_error(cause)}."
    if is_out_of_memory(cause):
        return _too_large(message, ("data", "batch_size"))
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
    return Problem(message, remedy, keys=at.keys, exit_code=_exit_code(cause), code="component-failed")


def _of_error(error: RegistryError, keys: Keys) -> Problem:
    return Problem(error.message, error.remedy, keys=keys, exit_code=_exit_code(error), code=error.code)


def _remedy(keys: Keys, cause: BaseException) -> str:
    if not isinstance(cause, _DO_NOT_FIT):
        return "Report it to its authors or use another component."
    if keys[:1] == ("metrics",):
        return "Use a metric that fits the model and the data."
    if keys[:1] == ("loss",):
        return "Use a loss that fits the model and the data."
    return "Change its parameters or its inputs so that they fit." if keys == ("model",) else ""


def _too_large(message: str, keys: Keys) -> Problem:
    return Problem(message, "Use a smaller batch_size or a smaller model.", keys=keys, code="out-of-memory")


def _exit_code(error: BaseException) -> int:
    if isinstance(error, RunError):
        return 2
    if isinstance(error, RegistryError):
        return error.exit_code
    return 2 if isinstance(error, _DO_NOT_FIT) else 3


def _not_on_meta(message: str, cause: BaseException, keys: Keys) -> Problem:
    said = f"{message} on the meta device, where tensors have no values: {describe_error(cause)}."
    return Problem(said, "Leave out --on meta to check it on a real device.", keys=keys, code="not-on-meta")


def hooks_that_do_not_fit(hooks: list[tuple[str, object]]) -> list[Problem]:
    """A problem for each hook that does not fit the events of a run; none of them is called."""
    problems = []
    for place, (name, hook) in enumerate(hooks):
        try:
            Hooks([(name, hook)], first=place)
        except BrokenComponent as error:
            problems.append(_of_error(error, ("hooks", place)))
    return problems
