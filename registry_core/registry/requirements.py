"""Requirements of each kind for registered classes and objects, as far as they can be checked before use."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

from registry_core.catalog import KINDS


@dataclass(frozen=True)
class Requirement:
    """The requirements of a kind for a registered class or object."""

    base: str = ""
    """``module:class`` of which its objects are instances."""
    methods: tuple[str, ...] = ()
    """Methods that its objects must have."""
    rebuilt: str = ""
    """The argument for which every run builds a new object; if there is one, an object cannot be registered."""
    only_called: bool = False
    """True if it is called and never instantiated, so that a class cannot be registered."""


_MODULE = Requirement(base="torch.nn:Module")
_REQUIREMENTS: dict[str, Requirement] = {
    "transform": Requirement(methods=("__call__",)),
    "init": Requirement(methods=("__call__",), only_called=True),
    "loss": _MODULE,
    "optimizer": Requirement(base="torch.optim:Optimizer", rebuilt="the parameters of its model"),
    "scheduler": Requirement(base="torch.optim.lr_scheduler:LRScheduler", rebuilt="its optimizer"),
    "dataset": Requirement(methods=("__len__", "__getitem__")),
    "sampler": Requirement(methods=("__call__",), rebuilt="the number of samples"),
    "model": _MODULE,
    "layer": _MODULE,
    "metric": Requirement(base="torchmetrics:Metric"),
    "function": Requirement(methods=("__call__",), only_called=True),
}
"""Kinds that are not listed accept any class and any object."""


def is_class_or_function(thing: object) -> bool:
    """True for a class or function, which has parameters; anything else is an object."""
    return inspect.isclass(thing) or _is_function(thing)


def _is_function(thing: object) -> bool:
    return inspect.isroutine(thing.func if isinstance(thing, partial) else thing)


def fault_of(kind: str, thing: Any) -> tuple[str, str] | None:
    """The reason why a class, function or object cannot be of a kind, and the remedy; None if it can.

    Functions pass: only a call would show their result.
    """
    required = _REQUIREMENTS.get(kind, Requirement())
    if inspect.isclass(thing):
        return _fault_of_class(thing, required)
    return None if _is_function(thing) else _fault_of_object(kind, thing, required)


def _fault_of_class(thing: type, required: Requirement) -> tuple[str, str] | None:
    if required.only_called:
        message = f"A call of the class {thing.__name__} only creates an object."
        return message, "Register a function, or an object that can be called."
    if required.base and not issubclass(thing, _loaded(required.base)):
        base = _dotted(required.base)
        return f"The class {thing.__name__} does not derive from {base}.", f"Derive it from {base}."
    return _fault_of_methods(thing, required)


def _fault_of_object(kind: str, thing: Any, required: Requirement) -> tuple[str, str] | None:
    name = type(thing).__name__
    if required.rebuilt:
        message = f"An object cannot be {KINDS[kind].one}: every run builds a new one for {required.rebuilt}."
        return message, "Register a class, or a function that builds it."
    if required.base and not isinstance(thing, _loaded(required.base)):
        base = _dotted(required.base)
        return (
            f"Expected a {base}, found an object of the class {name}.",
            f"Register a {base}, its class, or a function.",
        )
    return _fault_of_methods(type(thing), required)


def _fault_of_methods(thing: type, required: Requirement) -> tuple[str, str] | None:
    missing = [method for method in required.methods if not _instances_have(thing, method)]
    if not missing:
        return None
    return f"The class {thing.__name__} has no {' and no '.join(missing)}.", f"Define {' and '.join(missing)}."


def _dotted(name: str) -> str:
    return name.replace(":", ".")


def _instances_have(thing: type, method: str) -> bool:
    return callable(next((vars(base)[method] for base in thing.__mro__ if method in vars(base)), None))


def _loaded(name: str) -> Any:
    """The class that ``module:class`` names, or an empty tuple if its module is not imported: it has no instances."""
    module, _, attribute = name.partition(":")
    return getattr(sys.modules[module], attribute) if module in sys.modules else ()
