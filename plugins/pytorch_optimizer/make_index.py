"""Generate the data of the package from the installed pytorch_optimizer.

python make_index.py
"""

from __future__ import annotations

import inspect
import json
import math
import typing
import warnings
from importlib.metadata import version
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union

import torch
from pytorch_optimizer import get_supported_optimizers
from pytorch_optimizer.optimizer import OPTIMIZERS
from pytorch_optimizer.optimizer.scion import LMONorm
from pytorch_optimizer.optimizer.utils.galore import GaLoreProjector
from pytorch_optimizer.optimizer.utils.matrix import NS_COEFFICIENTS
from registry_core_pytorch_optimizer.optimizers import PREFIX, summary
from registry_core_pytorch_optimizer.tables import parameter, sentences
from torch import nn

PACKAGE = Path(__file__).parent / "registry_core_pytorch_optimizer"

Type = str | list[Any]
"""``int``, ``float``, ``bool``, ``str``, ``null``, or ``list X``, ``each A, B``, ``one VALUES``, ``any A, B``."""

NEED_CLOSURE = ("emofact", "emolynx", "emonavi", "lbfgs")
"""Optimizers whose ``step`` needs the loss: the first three observe it, the last one evaluates it repeatedly."""

ORTHOGONAL = ("adago", "adamuon", "muon", "normuon")
PROJECTING = ("apollo", "fira", "galore")
DIMENSIONS = {"spectralsphere": [2, 2], "scion": [0, 4]}

_NOT_OFFERED = {
    "flashadamw.fused",  # not implemented by the library yet
}
_TRIPLE = ["each", "float", "float", "float"]
_TYPES: dict[str, Type] = {
    "adafactor.betas": ["each", ["any", "float", "null"], "float"],
    "aggmo.betas": ["list", "float"],
    "apollodqn.rebound": ["one", "constant", "belief"],
    "apollodqn.weight_decay_type": ["one", "l2", "decoupled", "stable"],
    "lbfgs.line_search_fn": ["any", ["one", "strong_wolfe"], "null"],
    "normuon.update_scale": ["one", "preserve_norm", "match_rms"],
    "ns_coeffs": ["any", ["one", *sorted(NS_COEFFICIENTS)], _TRIPLE, ["list", _TRIPLE]],
    "scion.norm_type": ["one", *(int(norm) for norm in LMONorm)],
    "growth_rate": ["any", "float", "null"],
}
"""Types that annotations do not express."""

_SCALARS: dict[Any, str] = {int: "int", float: "float", bool: "bool", str: "str", NoneType: "null"}


def contents() -> dict[Path, str]:
    """Return the contents of every generated file of the package."""
    data = optimizer_data()
    index = "".join(f"{PREFIX}{name}\t{summary(name)}\n" for name in sorted(data["optimizers"]))
    return {PACKAGE / "data" / "optimizers.json": written(data), PACKAGE / "optimizers.index": index}


def optimizer_data() -> dict[str, Any]:
    """Return all data of optimizers."""
    return {"version": version("pytorch_optimizer"), "optimizers": {name: _entry(name) for name in sorted(sentences())}}


def left_out() -> list[str]:
    """Return the optimizers of the library that the package omits; the README states the reasons."""
    return sorted(set(get_supported_optimizers()) - set(sentences()))


def _entry(name: str) -> dict[str, Any]:
    made: Any = OPTIMIZERS[name]
    parameters = _parameters(name, made)
    entry: dict[str, Any] = {"class": f"{made.__module__}:{made.__name__}", "parameters": parameters}
    if name in ORTHOGONAL:
        entry["group_keys"] = ["use_muon"]
        parameters["use_muon"] = ["bool", True]
    if name == "adamc":
        entry["group_keys"] = ["normalized"]
        parameters["normalized"] = ["bool", False]
    if name in PROJECTING:
        projector = _parameters(name, GaLoreProjector, 1)
        projector["rank"][0] = ["any", "int", "null"]
        entry["group_keys"] = list(projector)
        parameters.update(projector)
    if name == "magma":  # derived from torch.optim.AdamW
        base = _parameters(name, torch.optim.AdamW)
        parameters.update({key: base[key] for key in ("lr", "betas", "eps", "weight_decay")})
    if name in NEED_CLOSURE:
        entry["needs_closure"] = True
    if name == "lbfgs":
        entry["supports_groups"] = False
    if name in DIMENSIONS:
        entry["dimensions"] = DIMENSIONS[name]
    entry["of_groups"] = _of_groups(name, made, parameters)
    return entry


def _parameters(name: str, made: Any, leading: int = 2) -> dict[str, list[Any]]:
    """Map names to type, default and, for required parameters, True."""
    constructor = made.__init__
    hints = typing.get_type_hints(constructor)
    found: dict[str, list[Any]] = {}
    for key, given in list(inspect.signature(constructor).parameters.items())[leading:]:
        if given.kind is given.VAR_KEYWORD or f"{name}.{key}" in _NOT_OFFERED or parameter(name, key) is None:
            continue
        required = given.default is given.empty or (key == "lr" and given.default is None)
        default = None if required or given.default == math.inf else given.default
        kind = _TYPES.get(f"{name}.{key}") or _TYPES.get(key) or type_of(hints.get(key), default, nullable=key != "lr")
        found[key] = [kind, _written(kind, default), *([True] if required else [])]
    return found


def type_of(hint: Any, default: Any, nullable: bool = True) -> Type:
    """Return the plain part of an annotation, with null if it allows None."""
    if isinstance(default, tuple):  # some annotations allow pairs and triples, but only one length is accepted
        return ["each", *("float" for _ in default)] if isinstance(default[0], float) else ["list", "int"]
    parts = [part for part in _plain_parts(hint) if nullable or part != "null"]
    if not parts:
        raise ValueError(f"no type for {hint} with the default {default!r}")
    return parts[0] if len(parts) == 1 else ["any", *parts]


def _plain_parts(hint: Any) -> list[Type]:
    if hint in _SCALARS:
        return [_SCALARS[hint]]
    if typing.get_origin(hint) is Literal:
        return [["one", *typing.get_args(hint)]]
    if typing.get_origin(hint) in (Union, UnionType):
        return [part for one in typing.get_args(hint) for part in _plain_parts(one)]
    return []


def _written(kind: Type, default: Any) -> Any:
    if isinstance(default, tuple):
        return list(default)
    if kind == "float" and default is not None:
        return float(default)
    return int(default) if isinstance(default, LMONorm) else default


def _of_groups(name: str, made: Any, parameters: dict[str, list[Any]]) -> list[str]:
    """Return the parameters that the optimizer stores in its groups."""
    weights: list[Any] = [nn.Parameter(torch.zeros(2, 2))]
    required = {key: 1e-3 if said[0] == "float" else 10 for key, said in parameters.items() if said[2:] == [True]}
    kept: set[str] = set()
    for use_muon in (True, False) if name in ORTHOGONAL else (None,):
        groups = weights if use_muon is None else [{"params": weights, "use_muon": use_muon}]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept |= set(made(groups, **required).param_groups[0])
    if name in ORTHOGONAL:
        kept |= {key for key in parameters if key.startswith("adamw_")}
    return [key for key in parameters if key in kept]


def written(data: dict[str, Any]) -> str:
    """Format the data as JSON, with one optimizer per line."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(entry, separators=(',', ':'))}" for name, entry in data["optimizers"].items()
    )
    return f'{{"version": {json.dumps(data["version"])},\n"optimizers": {{\n{lines}\n}}}}\n'


def main() -> None:
    """Write all files, and print the omitted optimizers."""
    for path, text in contents().items():
        path.write_text(text, encoding="utf-8")
    print("omitted:", ", ".join(left_out()))


if __name__ == "__main__":
    main()
