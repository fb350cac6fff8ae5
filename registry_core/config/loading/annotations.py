"""Read field annotations: where components and models are in a field, in lists, mappings and unions of any form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

_MAPPINGS = (dict, Mapping)


def forms(annotation: Any) -> Iterator[Any]:
    """The forms that a value of a field may have: the parts of a union, without what annotates them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from forms(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for part in get_args(annotation):
            yield from forms(part)
    else:
        yield annotation


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The first component or model class in an annotation such as ``tuple[Transform, ...]`` or ``dict[str, Loss]``."""
    for form in forms(annotation):
        if is_model(form):
            found: type[BaseModel] = form
            return found
        if get_origin(form) in (tuple, list, *_MAPPINGS):
            for part in get_args(form):
                if inner := model_in(part):
                    return inner
    return None


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The component or model class that a value of a field may itself be: that of ``Loss | float``, but of no list."""
    return next((form for form in forms(annotation) if is_model(form)), None)


def is_model(form: Any) -> bool:
    """True for the class of a component or another model."""
    return isinstance(form, type) and get_origin(form) is None and issubclass(form, BaseModel)


def is_sequence(annotation: Any) -> bool:
    """True if a field contains several values: a tuple or a list."""
    return sequence_in(annotation) is not None


def sequence_in(annotation: Any) -> Any:
    """The form of a field that is a tuple or a list; None if there is none."""
    return next((form for form in forms(annotation) if get_origin(form) in (tuple, list)), None)


def mapping_in(annotation: Any) -> Any:
    """The form of a field that is a mapping from names to values; None if there is none."""
    return next((form for form in forms(annotation) if get_origin(form) in _MAPPINGS), None)


def item_of(annotation: Any, key: str | int) -> Any:
    """The annotation of the item of a list, or of the value in a mapping, at a key; None if there is none."""
    if isinstance(key, int):
        arguments = get_args(sequence_in(annotation))
        if not arguments:
            return None
        of_all = len(arguments) == 1 or arguments[-1] is ...
        return arguments[0] if of_all else arguments[key] if 0 <= key < len(arguments) else None
    arguments = get_args(mapping_in(annotation))
    return arguments[1] if len(arguments) == 2 else None
