"""Turn a spec that was made or changed in Python into the data of a pipeline file, to be read and checked as one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from registry_core.catalog import KINDS, Preferences
from registry_core.components import Component, Every
from registry_core.components.base import values_set
from registry_core.config.models import Spec
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, Problem
from registry_core.registry.registered_name import registered_name


def tree_of(spec: Spec) -> tuple[Tree, list[Problem]]:
    """The tree of a spec, with the values that were set, and the problems of components that no file can name.

    Values may be of any type: ``model_copy(update=...)`` and ``model_construct`` do not validate them.
    """
    prefer = getattr(spec, "prefer", None)
    writing = _Writing(prefer if isinstance(prefer, Mapping) else {})
    return Tree(writing.data(spec, ())), writing.problems


class _Writing:
    def __init__(self, prefer: Preferences) -> None:
        self.prefer = prefer
        self.problems: list[Problem] = []

    def data(self, value: Any, keys: Keys) -> Any:
        """The value at these keys as plain data, as far as it can be written as such."""
        if isinstance(value, Component):
            name = self._name(value, keys)
            return {name: self._fields(value, (*keys, name))}
        if isinstance(value, BaseModel):
            return self._fields(value, keys)
        if isinstance(value, Mapping):
            return {key: self.data(item, (*keys, key)) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(item, (*keys, number)) for number, item in enumerate(value)]
        return str(value) if isinstance(value, (Path, Every)) else value

    def _fields(self, model: BaseModel, keys: Keys) -> dict[str, Any]:
        return {key: self.data(item, (*keys, key)) for key, item in values_set(model).items()}

    def _name(self, component: Component, keys: Keys) -> str:
        name = registered_name(component, self.prefer)
        if name is None:
            self.problems.append(_not_registered(component, keys))
        return name or component.name


def _not_registered(component: Component, keys: Keys) -> Problem:
    declaration, kind = type(component).__name__, component.kind or "component"
    one = KINDS[kind].one if kind in KINDS else "a component of no kind"
    message = f"{declaration} is {one} that is not registered, so the run could not be read again."
    example = f"{kind}/{re.sub('(?<=[a-z0-9])(?=[A-Z])', '_', declaration).lower()}"
    remedy = f"Register it before the spec is used: registry_core.register({example!r}, {declaration})."
    return Problem(message, remedy, keys=keys, code="unknown-component")
