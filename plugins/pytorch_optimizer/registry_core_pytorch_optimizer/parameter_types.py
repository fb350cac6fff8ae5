"""Convert types stored as data, such as ``["each", "float", "float"]``, to annotations and defaults of fields."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field

from registry_core_pytorch_optimizer.tables import Parameter

RANGES: dict[str, tuple[Any, ...]] = {
    "-": (),
    "0-": (Ge(0),),
    "1-": (Ge(1),),
    "above 0": (Gt(0),),
    "at most 0": (Le(0),),
    "share": (Ge(0), Lt(1)),
    "between": (Gt(0), Lt(1)),
    "to 1": (Ge(0), Le(1)),
    "part": (Gt(0), Le(1)),
}
"""Names of ranges in ``parameters.tsv``."""

_SCALARS: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str, "null": None}


def field(kind: Any, default: Any, required: bool, said: Parameter) -> tuple[Any, Any]:
    """Return a field for ``pydantic.create_model``: its annotation, and its default with the description."""
    value = ... if required else frozen(default)
    return _annotation(kind, RANGES[said.range]), Field(default=value, description=said.description)


def frozen(value: Any) -> Any:
    """Convert lists to tuples, as in declarations."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def _annotation(kind: Any, bounds: tuple[Any, ...]) -> Any:
    name = kind if isinstance(kind, str) else kind[0]
    if name in ("int", "float") and bounds:
        return Annotated[(_SCALARS[name], *bounds)]
    if name in _SCALARS:
        return _SCALARS[name]
    if name == "one":
        return Literal[tuple(kind[1:])]
    parts = [_annotation(part, bounds) for part in kind[1:]]
    if name == "list":
        return tuple[parts[0], ...]  # type: ignore[valid-type]  # the type is created at run time
    return tuple[tuple(parts)] if name == "each" else reduce(or_, parts)  # type: ignore[misc]  # as above
