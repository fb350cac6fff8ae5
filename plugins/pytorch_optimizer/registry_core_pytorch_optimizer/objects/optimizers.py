"""Build optimizers of pytorch_optimizer."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pytorch_optimizer.optimizer import OPTIMIZERS
from torch.optim import Optimizer

from registry_core.components import CheckFailed
from registry_core_pytorch_optimizer.objects.plain_state import with_plain_state
from registry_core_pytorch_optimizer.optimizers import PREFIX

_AS_ADAMW = {"adamw_lr": "lr", "adamw_betas": "betas", "adamw_eps": "eps", "adamw_wd": "weight_decay"}
"""Names of the AdamW options in a group that AdamW trains."""


def create(
    parameters: Iterable[Any],
    name: str,
    options: dict[str, Any],
    keys: dict[str, Any],
    of_groups: tuple[str, ...],
    made_for: str,
) -> Optimizer:
    """Return the library's optimizer of parameters, or of groups that override ``options`` and ``keys``.

    ``keys`` are options that the library reads only from groups. Raises CheckFailed if the installed library does not
    know the name or an option, or a group sets an option that applies to all parameters.
    """
    made = OPTIMIZERS.get(name)
    if made is None:
        raise _lacks(f"optimizer {name!r}", made_for)
    known = inspect.signature(made).parameters
    passed_on = {"lr", "betas", "eps", "weight_decay"} if name == "magma" else set()  # passed on to its AdamW
    for option in options:
        if option not in known and option not in passed_on:
            raise _lacks(f"option {option!r} of the optimizer {name!r}", made_for)
    groups = [_group(each, name, keys, of_groups) for each in parameters]
    if keys:
        groups = _as_groups(groups, keys)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # recommendations of other constructors
        return with_plain_state(made)(groups, **_unbounded(options))


def _group(each: Any, name: str, keys: Mapping[str, Any], of_groups: tuple[str, ...]) -> Any:
    """Return a parameter unchanged, or a group after checking its options."""
    if not isinstance(each, dict):
        return each
    for option in each:
        if option not in ("params", *of_groups, *keys):
            message = f"The option {option!r} of the optimizer {PREFIX + name!r} applies to all parameters."
            raise CheckFailed(message, "Set it for the optimizer, not for a group.")
    return _unbounded(each)


def _unbounded(options: dict[str, Any]) -> dict[str, Any]:
    """Replace a missing bound by infinity, which a pipeline file cannot contain."""
    return {**options, "growth_rate": math.inf} if options.get("growth_rate", ...) is None else options


def _as_groups(parameters: list[Any], keys: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return groups with the options that the library reads from them."""
    groups = parameters if parameters and isinstance(parameters[0], dict) else [{"params": parameters}]
    return [_with_keys(group, keys) for group in groups]


def _with_keys(group: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    found = {**keys, **group}
    if found.get("use_muon") is False:
        return {_AS_ADAMW.get(option, option): value for option, value in found.items()}
    if "rank" in found and found["rank"] is None:  # a group with a rank is projected
        return {option: value for option, value in found.items() if option not in keys}
    return found


def _lacks(what: str, made_for: str) -> CheckFailed:
    installed = version("pytorch_optimizer")
    message = f"The installed pytorch_optimizer {installed} has no {what}; the declaration was read from {made_for}."
    return CheckFailed(message, f"Run: pip install 'pytorch_optimizer=={made_for}'")
