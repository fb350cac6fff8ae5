"""Build the optimizer of a run, after a check of its parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from registry_core.assembly.building import build
from registry_core.assembly.model.objective import Objective
from registry_core.assembly.optim.parameters import ParameterGroup, for_optimizer, named_parameters
from registry_core.components import CheckFailed, ParameterFacts
from registry_core.components.base import values_set
from registry_core.diagnostics import PipelineError, Problem
from registry_core.planning.plan import Plan


def build_optimizer(
    plan: Plan, model: nn.Module, groups: list[ParameterGroup], loss: Objective | None = None
) -> torch.optim.Optimizer:
    """The optimizer of these groups; PipelineError if it or the clipping does not support some of the parameters."""
    declared = plan.optim.optimizer
    trained = {name for group in groups for name in group.names}
    facts = {fact.name: fact for fact in _facts(model, loss) if fact.name in trained}
    problems = list(_problems(plan, groups, facts))
    if problems:
        raise PipelineError(problems)
    if any(fact.sparse for fact in facts.values()):
        invariants: Any = torch.sparse.check_sparse_tensor_invariants  # torch leaves it untyped
        if not invariants.is_enabled():
            invariants.disable()  # the default; without this call torch warns
    return build(declared, declared.build, for_optimizer(model, groups, loss))


def _facts(model: nn.Module, loss: Objective | None) -> Iterator[ParameterFacts]:
    sparse = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)) and module.sparse
    }
    for name, parameter in named_parameters(model, loss).items():
        yield ParameterFacts(name, tuple(parameter.shape), id(parameter) in sparse)


def _problems(plan: Plan, groups: list[ParameterGroup], facts: dict[str, ParameterFacts]) -> Iterator[Problem]:
    declared, clip = plan.optim.optimizer, plan.step.clip
    if not facts:
        message = "The model has no trainable parameter."
        yield Problem(message, "Choose another model.", keys=("model",), code="nothing-to-train")
    if len(groups) > 1 and not declared.supports_groups:
        message = f"The optimizer {declared.name!r} treats all parameters alike, but there are {len(groups)} groups."
        remedy = "Remove groups, layer_decay and unfreeze, or use another optimizer."
        yield Problem(message, remedy, keys=("optim", "optimizer"), code="optimizer-groups")
    for group in groups:
        optimizer = type(declared).model_validate({**values_set(declared), **group.options})
        if declared.record is not None:
            optimizer = optimizer.with_record(declared.name_in_file, declared.record)
        try:
            optimizer.check_parameters([facts[name] for name in group.names])
        except CheckFailed as failed:
            yield Problem(failed.message, failed.remedy, keys=("optim", "optimizer"), code="optimizer-parameters")
    sparse = [fact.name for fact in facts.values() if fact.sparse]
    if sparse and clip is not None and clip.value is not None:
        message = f"torch cannot clip sparse gradients by value, and {sparse[0]!r} has one."
        yield Problem(message, "Clip by norm or remove clip.", keys=("train", "clip"), code="optimizer-parameters")
