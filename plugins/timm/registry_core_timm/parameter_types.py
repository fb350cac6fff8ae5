"""Convert types stored as data, such as ``["list", "int"]``, to annotations and defaults of fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from annotated_types import Ge, Gt, Le, Lt
from pydantic import Field

from registry_core.components.types import Size
from registry_core_timm.tables import Parameter

_RANGES: dict[str, tuple[Any, ...]] = {
    "-": (),
    "0-": (Ge(0),),
    "1-": (Ge(1),),
    "above 0": (Gt(0),),
    "at most 0": (Le(0),),
    "share": (Ge(0), Lt(1)),
    "to 1": (Ge(0), Le(1)),
}
_SCALARS: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str, "null": None}


def field(name: str, found: Any, default: Any, said: Parameter, required: bool = False) -> tuple[Any, Any]:
    """Return a field for ``pydantic.create_model``: its annotation, and its default with the description."""
    annotation = _sides(found) if name == "img_size" else None
    if annotation is None:
        annotation = _annotation(found, _RANGES[said.range])
    elif isinstance(default, int):
        default = (default, default)
    return annotation, Field(default=... if required else _frozen(default), description=said.description)


def _annotation(found: Any, bounds: tuple[Any, ...]) -> Any:
    kind = found if isinstance(found, str) else found[0]
    if kind in ("int", "float") and bounds:
        return Annotated[(_SCALARS[kind], *bounds)]
    if kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "one":
        return Literal[tuple(found[1:])]
    parts = [_annotation(part, bounds) for part in found[1:]]
    if kind == "list":
        return tuple[parts[0], ...]  # type: ignore[valid-type]  # the type is created at run time
    if kind == "each":
        return tuple[tuple(parts)]  # type: ignore[misc]  # as above
    return Union[tuple(parts)]  # noqa: UP007  # the number of members is known only at run time


def _sides(found: Any) -> Any:
    """Return the annotation of height and width, or None if timm accepts only one side."""
    parts = found[1:] if found[0] == "any" else [found]
    if not any(isinstance(part, list) for part in parts):
        return None
    return Size | None if "null" in parts else Size


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
