"""Explain the failure of a batch as the dry run does: the batch passes once more, and the calls are watched.

A run watches no calls, which would cost time in every step. A batch that fails ends the run, so it may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from registry_core.assembly.data.executor import Executor, LoadedBatch
from registry_core.assembly.torch_errors import is_out_of_memory
from registry_core.config.places import with_place
from registry_core.diagnostics import PipelineError, RegistryError
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.engine.calls import Calls
from registry_core.engine.failures import class_out_of_range, failure
from registry_core.planning.plan import Plan


def explained(
    plan: Plan,
    executor: Executor,
    error: RegistryError,
    calls: Calls,
    batches: Iterable[LoadedBatch],
    repeat: Callable[[], object],
) -> RegistryError:
    """The error with the call that failed, its arguments and its place in the file; ``repeat`` fails in the same way.

    If a target of ``batches`` is no class, that is the error. An error that is a sentence of registry-core already, or
    that does not occur again, is returned as it is.
    """
    cause = error.__cause__
    if cause is None:
        return error
    for loaded in batches:
        if wrong := class_out_of_range(plan, executor, loaded):
            return wrong
    if isinstance(cause, torch.AcceleratorError):  # every later call on the device fails, too
        return error
    calls.begin()
    try:
        if not is_out_of_memory(cause):
            repeat()
    except BaseException as again:  # a plugin may raise anything
        pass_interrupt(again)
        found = again.__cause__ or again
        if type(found) is type(cause):
            return PipelineError([with_place(failure(plan, calls, again, executor.section, False), plan.places)])
    return error
