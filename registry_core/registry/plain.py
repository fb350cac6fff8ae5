"""Declarations for plain classes and functions: their parameters are read from the signature."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from copy import copy
from functools import partial
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union

from pydantic import Field, create_model

from registry_core.catalog import Record
from registry_core.components.base import Component, file_keys
from registry_core.components.own_default import OwnDefault, is_plain
from registry_core.components.target import load_target
from registry_core.diagnostics.foreign_code import pass_interrupt

D = TypeVar("D", bound=Component)

_PLAIN_TYPES: tuple[Any, ...] = (int, float, bool, str, Path, NoneType, Any, list, tuple, dict)


def declare_plain(base: type[D], plain: Callable[..., Any], record: Record) -> type[D]:
    """A declaration of ``plain`` as a component of the kind of ``base``."""
    is_class = inspect.isclass(plain)
    leading = base.leading_arguments if is_class else base.function_leading_arguments
    parameters = _parameters(plain, leading)
    extra: Literal["allow", "forbid"] = "allow" if any(p.kind is p.VAR_KEYWORD for p in parameters) else "forbid"
    hints = _hints(plain.__init__ if is_class else plain)
    named = _fields(base, [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)])
    fields: dict[str, Any] = _moved_keys(base, {p.name for p in named.values()})
    fields |= {
        name: (
            _field_type(hints.get(p.name, Any), p.default),
            Field(default=_default(p), alias=None if name == p.name else p.name),
        )
        for name, p in named.items()
    }
    create: Any = create_model  # its result is typed as the created class, which is not known here
    made: Any = create(
        getattr(plain, "__name__", record.name),
        __base__=(base,) if is_class else (_PlainFunction, base),
        __doc__=own_documentation(plain) or f"The {record.kind} {record.name!r} of {record.distribution}.",
        __module__=getattr(plain, "__module__", __name__),
        **fields,
    )
    made.target = record.target
    made.argument_names = {name: p.name for name, p in named.items() if name != p.name}
    if extra == "allow":
        made.model_config = {**made.model_config, "extra": "allow"}
        made.model_rebuild(force=True)
    add_foreign_facts(made, base, plain)
    declared: type[D] = made
    return declared


def add_foreign_facts(made: Any, base: type[Component], foreign: object) -> None:
    """Set the facts of a kind for a class, function or object that declares none."""
    if "random" in base.__dict__:  # undeclared transforms may draw from any global generator
        made.random = "generators"
        made.image_only = True
    if "better" in base.__dict__ and getattr(foreign, "higher_is_better", None) is False:  # torchmetrics has it
        made.better = "lower"


def own_documentation(thing: object) -> str:
    """The docstring of a class or function itself, not an inherited one; empty if there is none."""
    found = getattr(thing.func if isinstance(thing, partial) else thing, "__doc__", None)
    return inspect.cleandoc(found) if isinstance(found, str) else ""


def _fields(base: type[Component], parameters: list[inspect.Parameter]) -> dict[str, inspect.Parameter]:
    """The parameters by the names of their fields.

    They differ where pydantic does not allow the name, or where it would hide an attribute of all components of the
    kind, such as ``name``, or a field of the kind that files write otherwise.
    """
    taken = {p.name for p in parameters}
    written_otherwise = {name for key, name in file_keys(base).items() if key != name}
    fields: dict[str, inspect.Parameter] = {}
    for p in parameters:
        name = p.name
        if name.startswith("_") or hasattr(_PlainFunction, name) or hasattr(base, name) or name in written_otherwise:
            name = f"parameter_{name.lstrip('_')}"
            while name in taken or name in fields:
                name = f"{name}_"
        fields[name] = p
    return fields


def _moved_keys(base: type[Component], written: set[str]) -> dict[str, Any]:
    """The fields of a kind that files write as a parameter of the component: the key is the component's.

    The ``name`` of a layer is then written ``layer_name``.
    """
    moved: dict[str, Any] = {}
    for key, name in file_keys(base).items():
        if key in written and key != name:
            field = copy(base.model_fields[name])
            field.alias = field.validation_alias = field.serialization_alias = _free(name, written)
            moved[name] = (field.annotation, field)
    return moved


def _free(name: str, written: set[str]) -> str:
    return name if name not in written else _free(f"{name}_", written)


def _parameters(plain: Callable[..., Any], leading: int) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(plain).parameters.values())
    except (TypeError, ValueError):  # some C functions have no signature: they accept no parameters from a pipeline
        return []
    return parameters[leading:]


def _hints(plain: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(plain)
    except BaseException as error:  # an annotation may be unresolvable; without it the parameter accepts any value
        pass_interrupt(error)
        return {}


def _default(parameter: inspect.Parameter) -> Any:
    """The default of a field; one of another type than files have is left to the class."""
    default = parameter.default
    if default is parameter.empty:
        return ...
    try:
        return default if is_plain(default) else OwnDefault(default)
    except RecursionError:  # it contains itself
        return OwnDefault(default)


def _field_type(hint: Any, default: Any) -> Any:
    if hint is Any and type(default) in (bool, int, float, str):
        return int | float if type(default) is int else type(default)
    return hint if _is_plain(hint) else Any


def _is_plain(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin in (Union, UnionType, list, tuple, dict):
        return all(_is_plain(part) for part in typing.get_args(hint) if part is not ...)
    return origin is Literal or hint in _PLAIN_TYPES


class _PlainFunction(Component):
    """Builds a function with its parameters fixed or, for a loss, a module that calls it."""

    def make(self, *leading: Any) -> Any:
        function = load_target(self.target)
        if self.kind == "transform":
            return partial(function, **self.arguments())
        if self.kind == "loss":
            return _loss_module(partial(function, **self.arguments()))
        return function(*leading, **self.arguments())


def _loss_module(function: Callable[..., Any]) -> Any:
    from torch import nn

    class FunctionLoss(nn.Module):
        """A loss module that calls a plain function."""

        def forward(self, *values: Any) -> Any:
            return function(*values)

    return FunctionLoss()
