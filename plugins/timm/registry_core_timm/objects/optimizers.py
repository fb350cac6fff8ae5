"""Optimizers of timm's registry."""

from __future__ import annotations

import inspect
from typing import Any

import timm.optim
import torch
from torch.optim import Optimizer

from registry_core.components import CheckFailed
from registry_core_timm.objects.versions import lacks

_TIMM: Any = timm.optim  # it re-exports these functions without saying so, which mypy holds against it


def create(parameters: Any, name: str, options: dict[str, Any], usual: set[str], made_for: str) -> Optimizer:
    """The optimizer as ``timm.optim.create_optimizer_v2`` makes it for parameters, or for groups of them.

    Options in ``usual`` have their defaults; an older timm that lacks one does what they say. Raises CheckFailed if the
    installed timm does not know the name or another option, or an option of a group is one that the optimizer keeps for
    all parameters together.
    """
    if name not in _TIMM.list_optimizers():
        raise lacks(f"optimizer {name!r}", made_for)
    parameters = list(parameters)
    known = inspect.signature(_TIMM.get_optimizer_class(name, bind_defaults=False)).parameters
    for option in options.keys() - known.keys() - usual:
        raise lacks(f"option {option!r} of the optimizer {name!r}", made_for)
    given = {option: value for option, value in options.items() if option in known}
    built: Optimizer = _TIMM.create_optimizer_v2(parameters, opt=name, **given)
    for group in parameters:
        for option in group if isinstance(group, dict) else ():
            if option != "params" and option not in built.defaults:
                message = f"The option {option!r} of the optimizer 'timm_{name}' holds for all parameters together."
                raise CheckFailed(message, "Set it at the optimizer, not in a group.")
    if any(isinstance(value, torch.dtype) for value in built.defaults.values()):
        built.register_state_dict_post_hook(_with_names_of_types)
        built.register_load_state_dict_pre_hook(_with_types)
    return built


def _with_names_of_types(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """The state with ``bfloat16`` for ``torch.bfloat16`` in its groups: a checkpoint keeps plain data only."""
    groups = [
        {
            key: str(value).removeprefix("torch.") if isinstance(value, torch.dtype) else value
            for key, value in group.items()
        }
        for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}


def _with_types(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """The state with the types that its groups name."""
    named = {key for key, value in optimizer.defaults.items() if isinstance(value, torch.dtype)}
    groups = [
        {
            key: getattr(torch, value) if key in named and isinstance(value, str) else value
            for key, value in group.items()
        }
        for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}
