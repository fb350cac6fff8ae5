"""Collect the data of the timm models: constructors with their parameters, and the facts of each model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm

from making.annotations import is_plain, signature, type_of
from making.recording import Call, recording, settable

FIXED = {"CSATv2": {"in_chans"}, "VisionTransformerRelPos": {"act_layer", "norm_layer"}}
"""Parameters that a constructor accepts but its network does not support: other channels, or layers by name."""


def model_data(described: set[str], measured: dict[str, Any]) -> dict[str, Any]:
    """Return all data of models.

    ``described`` contains the parameters that have a description; ``measured`` maps each model to the numbers of its
    parameters and, without a classifier, of its features, or to the reason for which it is omitted.
    """
    constructors: list[dict[str, Any]] = []
    inputs: list[list[Any]] = []
    models: dict[str, list[Any]] = {}
    tags = _tags()
    with recording() as call_for:
        for name in timm.list_models():
            if isinstance(measured[name], str):  # the reason for which it is omitted
                continue
            constructor, own = _model(call_for, name, described)
            if constructor not in constructors:
                constructors.append(constructor)
            config: Any = timm.get_pretrained_cfg(name)  # typed as optional, but all timm models have one
            facts = [
                list(config.input_size),
                bool(config.fixed_input_size),
                list(config.min_input_size[1:]) if config.min_input_size else None,
                list(config.mean),
                list(config.std),
            ]
            if facts not in inputs:
                inputs.append(facts)
            numbers, features = measured[name]
            models[name] = [
                constructors.index(constructor),
                inputs.index(facts),
                own,
                tags.get(name, []),
                numbers,
                features,
            ]
    return {"timm": timm.__version__, "constructors": constructors, "inputs": inputs, "models": models}


def _model(call_for: Callable[..., Call], name: str, described: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the constructor with the parameters that can be set, and the defaults of this model."""
    call = call_for(name)
    parameters = signature(call.constructor)
    given = {key: call.arguments.get(key, default) for key, (default, _) in parameters.items()}
    offered_here = described - FIXED.get(call.constructor.__name__, set())
    given = {key: _as_data(value) for key, value in given.items() if key in offered_here and is_plain(value)}
    types = {key: type_of(parameters[key][1], value) for key, value in given.items()}
    reached = settable(call_for, name, {key: value for key, value in given.items() if types[key] is not None})
    offered = {key: types[key] for key in given if key in reached}
    defaults = {key: _as_data(parameters[key][0]) if is_plain(parameters[key][0]) else None for key in offered}
    constructor = {
        "class": f"{call.constructor.__module__}:{call.constructor.__name__}",
        "parameters": {key: [offered[key], defaults[key]] for key in sorted(offered)},
    }
    own = {key: given[key] for key in sorted(offered) if given[key] != defaults[key]}
    return constructor, own


def _as_data(value: Any) -> Any:
    return [_as_data(item) for item in value] if isinstance(value, (list, tuple)) else value


def _tags() -> dict[str, list[str]]:
    """Return the tags of the available weights of each model, the default of timm first."""
    found: dict[str, list[str]] = {}
    for full_name in timm.list_pretrained():
        name, _, tag = full_name.partition(".")
        found.setdefault(name, []).append(tag)
    for name, tags in found.items():
        config: Any = timm.get_pretrained_cfg(name)
        first = config.tag
        tags.sort(key=lambda tag: (tag != first, tag))
    return found


def summary(name: str, entry: list[Any], data: dict[str, Any]) -> str:
    """Return one sentence for the index."""
    constructor, facts, own, _, numbers, features = entry
    family = data["constructors"][constructor]["class"].partition(":")[2]
    channels, height, width = data["inputs"][facts][0]
    parameters = data["constructors"][constructor]["parameters"]
    classes = own.get("num_classes", parameters["num_classes"][1] if "num_classes" in parameters else 0)
    gives = f"{classes:,} classes" if classes else f"{features:,} features"
    exactly = "exactly " if data["inputs"][facts][1] else ""
    return (
        f"{family} of timm with {written_count(numbers)} parameters: {gives} from images of "
        f"{exactly}{channels} x {height} x {width}."
    )


def written_count(numbers: int) -> str:
    """Format a number of parameters: ``11.7 million``."""
    if numbers < 1_000_000:
        return f"{numbers:,}"
    return f"{numbers / 1e6:.3g} million" if numbers < 999_500_000 else f"{numbers / 1e9:.3g} billion"


def written(data: dict[str, Any]) -> str:
    """Format the data as JSON, with one constructor, input or model per line."""
    parts = [f'{{"timm": {json.dumps(data["timm"])}']
    for key in ("constructors", "inputs"):
        lines = ",\n".join(_compact(item) for item in data[key])
        parts.append(f'"{key}": [\n{lines}\n]')
    lines = ",\n".join(f"{json.dumps(name)}: {_compact(entry)}" for name, entry in sorted(data["models"].items()))
    parts.append(f'"models": {{\n{lines}\n}}}}')
    return ",\n".join(parts) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def index(data: dict[str, Any]) -> str:
    """Return the index of the provider."""
    lines = [f"timm_{name}\t{summary(name, entry, data)}" for name, entry in sorted(data["models"].items())]
    return "\n".join(lines) + "\n"


def described_parameters(path: Path) -> set[str]:
    """Return the names in the table of parameters."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {re.split("\t", line)[0] for line in lines if not line.startswith("#")}
