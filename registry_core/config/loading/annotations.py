"""Read field annotations: the model that a field contains, and whether it contains one or several."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The component or model class inside an annotation such as ``tuple[Transform, ...]`` or ``Sampler | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, UnionType, tuple, list, Annotated):
        for part in get_args(annotation):
            if found := model_in(part):
                return found
    return None


def is_sequence(annotation: Any) -> bool:
    """True if a field contains several values: a tuple or a list."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType, Annotated):
        return any(is_sequence(part) for part in get_args(annotation))
    return origin in (tuple, list)


def takes_one(annotation: Any) -> bool:
    """True if a field may contain a single component or model: ``Function | tuple[Function, ...]``, but not a list."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return any(takes_one(part) for part in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
