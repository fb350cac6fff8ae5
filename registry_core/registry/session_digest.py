"""A hash of what a class or function of a session does, so that a resumed run knows whether it is the same."""

from __future__ import annotations

import dis
import hashlib
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from registry_core.registry.session_source import functions_of, source_of


class _Unknown(Exception):
    """Something that a class or function depends on has no source."""


def digest_of(*things: Any) -> str | None:
    """SHA-256 of the source of classes and functions, and of all that they use of the module they are defined in.

    None where that does not say all: for objects, for what has no source, and for what reads other objects of the
    module, or variables of a function that it is defined in.
    """
    texts: dict[object, str] = {}
    try:
        for thing in things:
            _collect(thing, thing, texts)
    except _Unknown:
        return None
    return hashlib.sha256("\0".join(sorted(texts.values())).encode()).hexdigest()


def _collect(thing: Any, root: Any, texts: dict[object, str]) -> None:
    """Add the sources of a class or function and of what it uses, each once; ``root`` says in which module."""
    if id(thing) in texts:
        return
    source, functions = source_of(thing), list(functions_of(thing))
    if source is None or not (functions or inspect.isclass(thing)):
        raise _Unknown
    texts[id(thing)] = source.text
    for base in thing.__mro__[1:] if inspect.isclass(thing) else ():
        if base.__module__ == root.__module__:
            _collect(base, root, texts)
    for function in functions:
        if {*function.__code__.co_freevars} - {"__class__"}:  # super() reads that one
            raise _Unknown
        for name in _global_names(function.__code__):
            if name in function.__globals__:
                _collect_global(name, function.__globals__[name], root, texts)


def _collect_global(name: str, value: Any, root: Any, texts: dict[object, str]) -> None:
    if inspect.isclass(value) or isinstance(value, FunctionType):
        if value.__module__ == root.__module__:
            _collect(value, root, texts)
    elif _is_plain(value):
        texts[name] = f"{name} = {value!r}"
    elif not isinstance(value, ModuleType) and not inspect.isroutine(value):
        raise _Unknown


def _global_names(code: CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for constant in code.co_consts:  # functions and comprehensions inside of it
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(_is_plain(part) for item in value.items() for part in item)
    return value is None or type(value) in (bool, int, float, str, bytes)
