"""Collect the data of the timm optimizers: classes with their parameters, and the options set by each name."""

from __future__ import annotations

import inspect
import json
from typing import Any

import timm
import torch
from registry_core_timm.optimizers import summary
from timm.optim import (  # type: ignore[attr-defined]  # timm re-exports them implicitly
    create_optimizer_v2,
    get_optimizer_info,
    list_optimizers,
)

from making.annotations import is_plain, signature, type_of

MOMENTUM = inspect.signature(create_optimizer_v2).parameters["momentum"].default
WEIGHT_DECAY = inspect.signature(create_optimizer_v2).parameters["weight_decay"].default
"""Defaults that timm uses for all optimizers, regardless of those of their classes."""

LEFT_OUT = {"kron": "Kron"}
"""Classes that are not supported, by name; the README states the reasons."""


def left_out(name: str) -> bool:
    """Return True if an optimizer needs another package or second derivatives, or is in LEFT_OUT."""
    info = get_optimizer_info(name)
    return isinstance(info.opt_class, str) or info.second_order or info.opt_class.__name__ in LEFT_OUT.values()


def optimizer_data(described: set[str]) -> dict[str, Any]:
    """Return all data of optimizers; ``described`` contains the parameters that have a description."""
    names: list[Any] = list_optimizers()
    found = {name: _optimizer(name, described) for name in names if not left_out(name)}
    return {"timm": timm.__version__, "optimizers": found}


def _optimizer(name: str, described: set[str]) -> dict[str, Any]:
    info = get_optimizer_info(name)
    made: Any = info.opt_class
    given = {**(info.defaults or {}), "weight_decay": WEIGHT_DECAY}
    if info.has_momentum:
        given["momentum"] = MOMENTUM
    parameters: dict[str, list[Any]] = {}
    for key, (default, hint) in signature(made).items():
        value = given.get(key, default)
        required = key == "lr" and not isinstance(value, (int, float))
        if key not in described or not (required or is_plain(value)):
            continue
        kind = "float" if required else _type(hint, value)
        if kind is not None:
            parameters[key] = [kind, None if required else _in_type(kind, value), required]
    return {
        "class": f"{made.__module__}:{made.__name__}",
        "set": {key: value for key, value in (info.defaults or {}).items() if key in parameters},
        "parameters": parameters,
    }


def _type(hint: Any, value: Any) -> Any:
    """Return the type of a parameter; timm omits many annotations, and has integers as defaults of floats."""
    if isinstance(value, tuple):
        return ["each", *("float" for _ in value)]
    if type(value) is int and (hint is float or hint is inspect.Parameter.empty or torch.Tensor in _parts(hint)):
        return "float"
    return type_of(hint, value)


def _parts(hint: Any) -> tuple[Any, ...]:
    return tuple(getattr(hint, "__args__", ()))


def _in_type(kind: Any, value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return float(value) if kind == "float" else value


def written_optimizers(data: dict[str, Any]) -> str:
    """Format the data as JSON, with one optimizer per line."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}"
        for name, entry in sorted(data["optimizers"].items())
    )
    return f'{{"timm": {json.dumps(data["timm"])},\n"optimizers": {{\n{lines}\n}}}}\n'


def optimizer_index(data: dict[str, Any]) -> str:
    """Return the index of the provider."""
    lines = [f"timm_{name}\t{summary(entry)}" for name, entry in sorted(data["optimizers"].items())]
    return "\n".join(lines) + "\n"
