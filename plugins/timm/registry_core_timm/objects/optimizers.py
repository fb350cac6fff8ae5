"""Build optimizers of timm."""

from __future__ import annotations

import inspect
from typing import Any

import timm.optim
import torch
from torch.optim import Optimizer

from registry_core.components import CheckFailed
from registry_core_timm.objects.versions import lacks

_TIMM: Any = timm.optim  # it re-exports these functions implicitly, which mypy rejects


def create(parameters: Any, name: str, options: dict[str, Any], usual: set[str], made_for: str) -> Optimizer:
    """Return the optimizer of ``timm.optim.create_optimizer_v2`` for parameters or parameter groups.

    Options in ``usual`` have their defaults, which an older timm without these options implements anyway. Raises
    CheckFailed if the installed timm does not know the name or another option, or a group sets an option that applies
    to all parameters.
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
                message = f"The option {option!r} of the optimizer 'timm_{name}' applies to all parameters."
                raise CheckFailed(message, "Set it for the optimizer, not for a group.")
    if any(isinstance(value, torch.dtype) for value in built.defaults.values()):
        built.register_state_dict_post_hook(_with_names_of_types)
        built.register_load_state_dict_pre_hook(_with_types)
    return built


def _with_names_of_types(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Replace ``torch.bfloat16`` in the groups by ``bfloat16``, because a checkpoint contains only plain data."""
    groups = [
        {
            key: str(value).removeprefix("torch.") if isinstance(value, torch.dtype) else value
            for key, value in group.items()
        }
        for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}


def _with_types(optimizer: Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Replace names of dtypes in the groups by the dtypes."""
    named = {key for key, value in optimizer.defaults.items() if isinstance(value, torch.dtype)}
    groups = [
        {
            key: getattr(torch, value) if key in named and isinstance(value, str) else value
            for key, value in group.items()
        }
        for group in state["param_groups"]
    ]
    return {**state, "param_groups": groups}
