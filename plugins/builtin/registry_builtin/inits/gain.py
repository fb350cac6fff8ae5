"""Gain of an initialization scheme: a number, or the activation that it compensates for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from registry_core.components import ParameterError
from registry_core.components.types import NUMBER
from registry_core.diagnostics import format_value

Nonlinearity = Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
"""Names of activations as in ``torch.nn.init.calculate_gain``; ``linear`` means none."""

STEEPEST = 1_000_000
"""The maximum slope: torch cannot compute the gain of one of 1e200."""
Slope = Annotated[float, Field(ge=-STEEPEST, le=STEEPEST)]

_GAINS = {"tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_LAYERS = tuple(f"conv{transposed}{n}d" for transposed in ("", "_transpose") for n in (1, 2, 3))
_KNOWN: tuple[str, ...] = (*get_args(Nonlinearity), *_LAYERS)
"""torch also accepts names of layers, with the gain of ``linear``."""
_EXAMPLE = "{nonlinearity: leaky_relu, param: 0.2}"


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the gain that preserves variances through an activation, equal to ``torch.nn.init.calculate_gain``.

    ``param`` is the negative slope of ``leaky_relu``, 0.01 by default.
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
        raise ParameterError(f"a gain has no {', '.join(map(repr, unknown))}", f"Write a number or {_EXAMPLE}")
    name, param = value.get("nonlinearity"), value.get("param")
    if not isinstance(name, str) or name not in _KNOWN:
        message = f"{name!r} is not a nonlinearity with a known gain"
        raise ParameterError(message, f"Write one of {', '.join(_KNOWN[:6])}")
    if param is None:
        return calculate_gain(name)
    if name != "leaky_relu":
        raise ParameterError(
            f"`param` is the negative slope of leaky_relu and does not apply to {name}", "Remove param"
        )
    if isinstance(param, bool) or not isinstance(param, (int, float)) or not -STEEPEST <= param <= STEEPEST:
        span = f"a number from {-STEEPEST:,} to {STEEPEST:,}"
        raise ParameterError(
            f"expected {span} for `param`, the negative slope of leaky_relu, not {format_value(param)}",
            "Write a slope such as 0.2",
        )
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
