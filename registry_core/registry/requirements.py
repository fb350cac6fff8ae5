"""Requirements of each kind for registered classes and objects, as far as they can be checked before use."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import Any

from registry_core.catalog import KINDS, Kind


def is_class_or_function(thing: object) -> bool:
    """True for a class or function, which has parameters; anything else is an object."""
    return inspect.isclass(thing) or _is_function(thing)


def _is_function(thing: object) -> bool:
    return inspect.isroutine(thing.func if isinstance(thing, partial) else thing)


def fault_of(kind: str, thing: Any) -> tuple[str, str] | None:
    """The reason why a class, function or object cannot be of a kind, and the remedy; None if it can.

    Functions pass: only a call would show their result.
    """
    row = KINDS[kind]
    if inspect.isclass(thing):
        return _fault_of_class(thing, row)
    return None if _is_function(thing) else _fault_of_object(thing, row)


def _fault_of_class(thing: type, kind: Kind) -> tuple[str, str] | None:
    if kind.only_called:
        message = f"A call of the class {thing.__name__} only creates an object."
        return message, "Register a function, or an object that can be called."
    base = _base(kind)
    if base is not None and not issubclass(thing, base):
        name = _dotted(kind.builds)
        return f"The class {thing.__name__} does not derive from {name}.", f"Derive it from {name}."
    return _fault_of_methods(thing, kind)


def _fault_of_object(thing: Any, kind: Kind) -> tuple[str, str] | None:
    if kind.rebuilt_for:
        message = f"An object cannot be {kind.one}: every run builds a new one for {kind.rebuilt_for}."
        return message, "Register a class, or a function that builds it."
    base = _base(kind)
    if base is not None and not isinstance(thing, base):
        name = _dotted(kind.builds)
        message = f"Expected a {name}, found an object of the class {type(thing).__name__}."
        return message, f"Register a {name}, its class, or a function."
    return _fault_of_methods(type(thing), kind)


def _fault_of_methods(thing: type, kind: Kind) -> tuple[str, str] | None:
    missing = [method for method in kind.methods if not _instances_have(thing, method)]
    if not missing:
        return None
    return f"The class {thing.__name__} has no {' and no '.join(missing)}.", f"Define {' and '.join(missing)}."


def _dotted(name: str) -> str:
    return name.replace(":", ".")


def _instances_have(thing: type, method: str) -> bool:
    return callable(next((vars(base)[method] for base in thing.__mro__ if method in vars(base)), None))


def _base(kind: Kind) -> Any:
    """The class of a kind's objects, none if its module is not imported; None if a predicate decides."""
    module, _, attribute = kind.builds.partition(":")
    if module not in sys.modules:
        return ()
    found = getattr(sys.modules[module], attribute)
    return found if isinstance(found, type) else None
