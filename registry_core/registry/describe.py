"""Describe a component for display: its documentation and its parameters in words."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from registry_core.catalog.session import in_session
from registry_core.catalog.source import location_of
from registry_core.components.base import Component
from registry_core.components.interval import Every
from registry_core.components.warmup import Warmup
from registry_core.registry.characteristics import Characteristic, characteristics
from registry_core.registry.registry import Registry

_WORDS: dict[Any, str] = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
    Path: "path",
    NoneType: "null",
    Any: "any",
    Every: "interval",
    Warmup: "length, or length and start",
}
_PLAIN = re.compile(r"[A-Za-z_/][\w./-]*( [\w./-]+)*")
"""Strings that need no quotes in YAML."""

_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component, in words."""

    name: str
    type: str
    required: bool
    default: str
    range: str
    description: str


@dataclass(frozen=True)
class Description:
    """The description of a component."""

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    summary: str
    documentation: str
    parameters: tuple[Parameter, ...]
    example: str
    """An example, as written in a pipeline file."""
    requirements: tuple[str, ...] = ()
    """Requirements to install in addition, in the syntax of pip."""
    characteristics: tuple[Characteristic, ...] = ()
    """Inputs, outputs and other facts that do not depend on the parameters."""
    location: str = ""
    """File and line of the declaration, class or function."""
    successor: str = ""
    """The component that replaces it if it is deprecated."""


def describe(registry: Registry[Any], name: str) -> Description:
    """Describe a registered component; only its declaration is imported."""
    record = registry.record(name)
    declaration: type[Component] = registry.declaration(record)
    fields = declaration.model_fields
    common = [key for key in registry.base.model_fields if key in fields]
    own = sorted((key for key in fields if key not in common), key=lambda key: not fields[key].is_required())
    return Description(
        kind=record.kind,
        name=record.name,
        distribution=record.distribution,
        version=record.version,
        target=component.written_target if (component := in_session(record.target)) else record.target,
        summary=declaration.summary(),
        documentation=inspect.getdoc(declaration) or "",
        parameters=tuple(_parameter(fields[key].alias or key, fields[key]) for key in (*own, *common)),
        example=written_example(name, declaration),
        requirements=tuple(dict.fromkeys(declaration.requirements.values())),
        characteristics=characteristics(declaration),
        location=str(location_of(record) or ""),
        successor=declaration.successor,
    )


def written_example(name: str, declaration: type[Component]) -> str:
    """The example of a declaration as YAML, on one line."""
    return flow({name: declaration.example}) if declaration.example else name


def flow(value: Any) -> str:
    """Plain data as YAML on one line, every mapping in braces."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in ("true", "false", "null"):
        return value
    return json.dumps(value)


def _parameter(name: str, field: FieldInfo) -> Parameter:
    required = field.is_required()
    default = "required" if required else f"default {_written(field.default)}"
    bounds = _bounds(field.metadata) or _inner_bounds(field.annotation)
    return Parameter(name, type_words(field.annotation), required, default, bounds, field.description or "")


def type_words(annotation: Any) -> str:
    """A type annotation in words: ``number or null``, ``list of whole number``, ``fan_in or fan_out``."""
    if annotation in _WORDS:
        return _WORDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_words(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(type_words(part) for part in arguments))
    if origin is Literal:
        return " or ".join(str(choice) for choice in arguments)
    if origin in (tuple, list):
        if origin is list or (len(arguments) == 2 and arguments[1] is ...):
            return f"list of {type_words(arguments[0])}"
        return f"[{', '.join(type_words(part) for part in arguments)}]"
    if origin in (dict, Mapping):
        return f"mapping of {type_words(arguments[0])} to {type_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Component):
        return f"a {annotation.kind}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = (f"{name}: {type_words(field.annotation)}" for name, field in annotation.model_fields.items())
        return f"{{{', '.join(inner)}}}"
    return getattr(annotation, "__name__", str(annotation))


def _bounds(metadata: list[Any]) -> str:
    found = [
        f"{sign} {getattr(item, name)}" for item in metadata for name, sign in _SIGNS.items() if hasattr(item, name)
    ]
    return ", ".join(found)


def _inner_bounds(annotation: Any) -> str:
    """The bounds inside ``X | None`` and ``tuple[X, ...]``."""
    for part in get_args(annotation):
        if get_origin(part) is Annotated:
            metadata = [item for extra in get_args(part)[1:] for item in (*getattr(extra, "metadata", ()), extra)]
            if found := _bounds(metadata):
                return found
    return ""


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return f"[{', '.join(_written(item) for item in value)}]"
    return str(value)
