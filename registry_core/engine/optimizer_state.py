"""The state that a checkpoint holds of an optimizer after a step, found by a step of stand-ins on the meta device."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from inspect import unwrap
from typing import Any

import torch
from torch import nn

from registry_core.assembly.pipeline import Pipeline
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.engine.view import generators_kept


def state_after_a_step(pipeline: Pipeline) -> list[tuple[int, dict[str, Any]]] | None:
    """The state of a parameter of each group, shape and dtype, and the number of such parameters.

    The tensors are on the meta device. None for optimizers that cannot step there.
    """
    declared = _without_fused(pipeline.plan.optim.optimizer)
    with generators_kept(pipeline.device), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its warnings were shown when the pipeline was built
        try:
            return [found for group in pipeline.optimizer.param_groups for found in _of_group(declared, group)]
        except BaseException as error:  # a plugin may raise anything; the state is unknown then
            pass_interrupt(error)
            return None


def _of_group(declared: Any, group: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    counts = Counter((parameter.shape, parameter.dtype) for parameter in group["params"])
    twins = [nn.Parameter(torch.empty(shape, dtype=dtype, device="meta")) for shape, dtype in counts]
    for twin in twins:
        twin.grad = torch.empty_like(twin)
    options = {name: value for name, value in group.items() if name not in ("params", "fused", "foreach")}
    optimizer = declared.build([{**options, "params": twins}])
    with torch.no_grad():
        unwrap(type(optimizer).step)(optimizer)  # without torch's wrapper, so that no step hook is called
    saved = optimizer.state_dict()["state"]  # what a checkpoint holds: an optimizer may convert its state for it
    for index, count in enumerate(counts.values()):
        yield count, saved.get(index, {})


def _without_fused(declared: Any) -> Any:
    """The optimizer in a form that runs on any device; it keeps the same state."""
    options = {name: None for name in ("fused", "foreach") if getattr(declared, name, None)}
    return declared.model_copy(update=options) if options else declared
