"""The gain of an init scheme: a number, or the activation that it is for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from registry_core.components.types import NUMBER

Nonlinearity = Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
"""Names of activations as in ``torch.nn.init.calculate_gain``; ``linear`` is none."""

_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_LAYERS = tuple(f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3))
_KNOWN: tuple[str, ...] = (*get_args(Nonlinearity), *_LAYERS)
"""torch takes names of layers too, for the gain of ``linear``."""
_EXAMPLE = "{nonlinearity: leaky_relu, param: 0.2}"


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain that keeps variances even through an activation, as ``torch.nn.init.calculate_gain`` has it.

    ``param`` is the slope of the negative side of ``leaky_relu``, 0.01 unless it is given.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    return _GAINS.get(nonlinearity, 1.0)


def _as_number(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    unknown = sorted(str(key) for key in set(value) - {"nonlinearity", "param"})
    if unknown:
        raise ValueError(f"a gain has no {', '.join(map(repr, unknown))}: write a number or {_EXAMPLE}")
    name, param = value.get("nonlinearity"), value.get("param")
    if not isinstance(name, str) or name not in _KNOWN:
        raise ValueError(f"{name!r} is no nonlinearity with a known gain: write one of {', '.join(_KNOWN[:6])}")
    if param is None:
        return calculate_gain(name)
    if name != "leaky_relu":
        raise ValueError(f"only leaky_relu has a param, the slope of its negative side, not {name}")
    if isinstance(param, bool) or not isinstance(param, (int, float)):
        raise ValueError(f"param is the slope of leaky_relu's negative side, a number, not {param!r}")
    return calculate_gain(name, param)


_NAMED = {
    "type": "object",
    "properties": {"nonlinearity": {"enum": list(_KNOWN)}, "param": NUMBER},
    "required": ["nonlinearity"],
    "additionalProperties": False,
}

Gain = Annotated[
    float,
    Field(gt=0),
    BeforeValidator(_as_number),
    WithJsonSchema({"anyOf": [{**NUMBER, "exclusiveMinimum": 0}, _NAMED]}),
]
"""A positive number, or the activation that it is calculated for: ``{nonlinearity: leaky_relu, param: 0.2}``."""
