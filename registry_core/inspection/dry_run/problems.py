"""Failures of a build as problems with a place in the file: never a traceback, whatever a plugin raises."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from registry_core.assembly.torch_errors import is_out_of_memory, needs_values
from registry_core.components import Component
from registry_core.config.places import keys_of
from registry_core.diagnostics import BrokenComponent, PipelineError, Problem, RegistryError
from registry_core.diagnostics.sentences import describe_error
from registry_core.engine.failures import exit_code_of, not_on_meta, problem_of, too_large
from registry_core.engine.hooks import Hooks
from registry_core.planning.plan import Plan


def not_built(plan: Plan, error: BaseException, device: torch.device) -> Sequence[Problem]:
    """The problems of a failed build."""
    if isinstance(error, PipelineError):
        return error.problems
    about = error.about if isinstance(error, RegistryError) else None
    keys = (error.keys or keys_of(about, plan.spec)) if isinstance(error, RegistryError) else ()
    cause = error.__cause__ or error
    message = f"The {about.label if isinstance(about, Component) else 'pipeline'} cannot be built"
    if is_out_of_memory(cause):
        return [too_large(f"{message}: {describe_error(cause)}.", keys)]
    if device.type == "meta" and needs_values(cause):
        return [not_on_meta(message, cause, keys)]
    if isinstance(error, RegistryError):
        return [problem_of(error, keys)]
    return [Problem(f"{message}: {describe_error(error)}.", exit_code=exit_code_of(error), code="component-failed")]


def hooks_that_do_not_fit(hooks: list[tuple[str, object]]) -> list[Problem]:
    """A problem for each hook that does not fit the events of a run; none of them is called."""
    problems = []
    for place, (name, hook) in enumerate(hooks):
        try:
            Hooks([(name, hook)], first=place)
        except BrokenComponent as error:
            problems.append(problem_of(error, ("hooks", place)))
    return problems
