"""Convert the annotations of timm constructors to types stored as data, such as ``["list", "int"]``."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, Literal, Union

Type = str | list[Any]
"""``int``, ``float``, ``bool``, ``str``, ``null``, or ``list of X``, ``each of A, B``, ``one of texts``, ``any of``."""

_SCALARS: dict[Any, str] = {int: "int", float: "float", bool: "bool", str: "str", NoneType: "null"}


def signature(made: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """Map names to (default, annotation), for a function or for a class with the parents it passes arguments to."""
    if not inspect.isclass(made):
        return _of_function(made)
    found: dict[str, tuple[Any, Any]] = {}
    for parent in made.__mro__:
        if "__init__" not in vars(parent) or parent.__module__.startswith("torch.nn"):
            continue
        constructor = parent.__init__  # type: ignore[misc]  # only its signature is read
        own = _of_function(constructor)
        own.pop("self")
        found = {**own, **found}
        if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(constructor).parameters.values()):
            break
    return found


def _of_function(function: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    hints = typing.get_type_hints(function)
    return {
        p.name: (p.default, hints.get(p.name, inspect.Parameter.empty))
        for p in inspect.signature(function).parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def is_plain(value: Any) -> bool:
    """Return True if a pipeline file can contain the value."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def type_of(hint: Any, default: Any) -> Type | None:
    """Return the plain part of an annotation that accepts the default, or None."""
    found = _plain_part(hint)
    if found is None and default is None:
        return None
    if found is None or not fits(found, default):
        of_default = _type_of_value(default)
        found = of_default if found is None or default is not None else _either([found, of_default])
    if default is not None:  # timm replaces null by its own default
        found = _without_null(found)
    return None if found == "null" else found


def _plain_part(hint: Any) -> Type | None:
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return ["one", *arguments]
    if origin in (Union, UnionType):
        parts = [part for part in map(_plain_part, arguments) if part is not None]
        return _either(parts) if any(part != "null" for part in parts) else None
    if origin in (list, tuple, collections.abc.Sequence):
        parts = [part for part in map(_plain_part, (a for a in arguments if a is not ...)) if part is not None]
        if len(parts) != len([a for a in arguments if a is not ...]) or not parts:
            return None
        return (
            ["each", *parts] if origin is tuple and len(arguments) > 1 and ... not in arguments else ["list", parts[0]]
        )
    return None


def _either(parts: list[Type]) -> Type:
    flat: list[Type] = []
    for part in parts:
        for one in part[1:] if part[0] == "any" else [part]:
            if one not in flat:
                flat.append(one)
    return flat[0] if len(flat) == 1 else ["any", *flat]


def _without_null(found: Type) -> Type:
    return _either([part for part in found[1:] if part != "null"]) if found[0] == "any" else found


def _type_of_value(value: Any) -> Type:
    if isinstance(value, (list, tuple)):
        return ["list", _either([_type_of_value(item) for item in value])]
    return _SCALARS[type(value)]


def fits(found: Type, value: Any) -> bool:
    """Return True if the value has the type."""
    kind = found if isinstance(found, str) else found[0]
    if kind in _SCALARS.values():
        numbers = (int, float) if kind == "float" else ()
        return _SCALARS.get(type(value)) == kind or (type(value) in numbers)
    if kind == "one":
        return value in found[1:]
    if kind == "any":
        return any(fits(part, value) for part in found[1:])
    if not isinstance(value, (list, tuple)):
        return False
    if kind == "list":
        return all(fits(found[1], item) for item in value)
    return len(value) == len(found) - 1 and all(map(fits, found[1:], value))
