"""Declarations of objects that are registered in a session: they have no parameters, and build the object itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from pydantic import create_model

from registry_core.catalog import Record
from registry_core.components.base import Component
from registry_core.components.dataset import Dataset
from registry_core.components.facts import DataFacts
from registry_core.components.target import load_target
from registry_core.registry.plain import add_foreign_facts

D = TypeVar("D", bound=Component)

_copied: ContextVar[bool] = ContextVar("_copied", default=False)

_CHANGED = ("model", "loss", "layer", "metric")
"""Kinds whose objects change when a pipeline is tried: weights, device or hooks."""


@contextmanager
def copied_objects() -> Iterator[None]:
    """Within this context, build copies of registered models, losses, layers and metrics, to try or measure them."""
    token = _copied.set(True)
    try:
        yield
    finally:
        _copied.reset(token)


def declare_object(base: type[D], thing: object, record: Record) -> type[D]:
    """A declaration without parameters that builds ``thing``, as a component of the kind of ``base``."""
    own: type[Component] = _ObjectDataset if issubclass(base, Dataset) else _Object
    create: Any = create_model  # its result is typed as the created class, which is not known here
    made: Any = create(
        type(thing).__name__,
        __base__=(own, base),
        __doc__=f"An object of the class {type(thing).__name__}.",
        __module__=type(thing).__module__,
    )
    made.target = record.target
    add_foreign_facts(made, base, thing)
    declared: type[D] = made
    return declared


class _Object(Component):
    """Builds the object itself, whatever the arguments."""

    def make(self, *leading: Any) -> Any:
        found = load_target(self.target)
        return copy.deepcopy(found) if _copied.get() and self.kind in _CHANGED else found


class _ObjectDataset(_Object, Dataset):
    """A data set that already exists, so its length is known."""

    def facts(self) -> DataFacts:
        return DataFacts(length=len(load_target(self.target)))
