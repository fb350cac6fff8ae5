"""Convert a spec into plain data that can be loaded again, with all defaults and variables filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from registry_core.catalog import Preferences
from registry_core.components import Component, Every
from registry_core.components.base import file_values
from registry_core.config.ignoring import IgnoreEntry
from registry_core.registry.registered_name import registered_name


def dump(value: Any, prefer: Preferences | None = None) -> Any:
    """Plain data of a spec or a part of it; components become ``{name: parameters}``.

    Names are registered ones, and resolve to the same components under ``prefer``, by default that of the spec.
    """
    if isinstance(value, Component):
        return {registered_name(value, prefer) or value.name_in_file: _fields(value, prefer)}
    if isinstance(value, BaseModel):
        return _fields(value, getattr(value, "prefer", prefer))
    if isinstance(value, Mapping):
        return {str(key): dump(item, prefer) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dump(item, prefer) for item in value]
    if isinstance(value, IgnoreEntry):
        return value.written
    if isinstance(value, (Path, Every)):
        return str(value)
    return value


def _fields(model: BaseModel, prefer: Preferences | None) -> dict[str, Any]:
    return {written: dump(value, prefer) for written, value in file_values(model).items()}
