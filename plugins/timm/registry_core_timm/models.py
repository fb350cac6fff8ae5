"""Provider of the timm models: maps a name, such as ``timm_resnet18``, to its declaration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from registry_core.components import ExampleTensor
from registry_core_timm.model import ModelFacts, TimmModel
from registry_core_timm.parameter_types import field
from registry_core_timm.tables import parameters, read

_FIRST = ("num_classes", "in_chans", "img_size", "global_pool", "drop_rate", "drop_path_rate")
"""The most common parameters, which are shown first."""


def model(name: str) -> type[TimmModel]:
    """Return the declaration of the model with this name; raise KeyError if there is none."""
    data = read("models")
    architecture = name.removeprefix("timm_")
    constructor_number, input_number, own, tags, numbers, features = data["models"][architecture]
    constructor = data["constructors"][constructor_number]
    (channels, height, width), fixed, smallest, mean, std = data["inputs"][input_number]
    facts = ModelFacts(
        architecture=architecture,
        made_for=data["timm"],
        channels=channels,
        size=(height, width),
        fixed=fixed,
        smallest=tuple(smallest) if smallest else None,
        tags=tuple(tags),
        features=features,
    )
    said = parameters("model_parameters")
    fields = {
        key: field(key, _pooling(found) if key == "global_pool" else found, own.get(key, default), said[key])
        for key, (found, default) in constructor["parameters"].items()
    }
    ordered = {key: fields.pop(key) for key in _FIRST if key in fields} | (_weights(facts) if tags else {}) | fields
    create: Any = create_model  # its return type depends on the created class
    made: type[TimmModel] = create(
        "".join(part.capitalize() for part in name.split("_")),
        __base__=TimmModel,
        __doc__=_documentation(facts, constructor["class"], numbers, (mean, std)),
        __module__=__name__,
        **ordered,
    )
    made.facts = facts
    made.example = {"num_classes": 10}
    made.example_inputs = {"input": ExampleTensor((2, channels, height, width), low=0)}
    return made


def _weights(facts: ModelFacts) -> dict[str, Any]:
    """Return the fields of a model that has weights."""
    pretrained = "Whether to start from weights, which timm downloads when the model is built, and caches."
    which = f"Tag of the weights in timm; null for {facts.tags[0]}. Requires pretrained."
    return {
        "pretrained": (bool, Field(default=False, description=pretrained)),
        "tag": (Literal[facts.tags] | None, Field(default=None, description=which)),
    }


def _pooling(found: Any) -> Any:
    """Remove the empty string, which keeps the features of all positions instead of one vector per image."""
    return [part for part in found if part != ""] if isinstance(found, list) else found


def _documentation(facts: ModelFacts, constructor: str, numbers: int, expected: tuple[Any, Any]) -> str:
    mean, std = expected
    module, _, family = constructor.partition(":")
    height, width = facts.size
    size = f"of {height} x {width} pixels or img_size" if facts.fixed else f"designed for {height} x {width} pixels"
    weights = f"Its weights expect channels normalized with mean {mean} and std {std}. " if facts.tags else ""
    return (
        f"{facts.architecture} of timm, a {family} with {numbers:,} parameters.\n\n"
        f"Input: float images [batch, in_chans, height, width], {size}. Output: logits [batch, num_classes], or "
        f"embeddings [batch, features] if num_classes is 0. {weights}It is initialized by ``timm.create_model``. "
        f"Parameters and defaults are those of timm {facts.made_for}. Source: ``{module}``, whose docstring cites the "
        f"paper."
    )
