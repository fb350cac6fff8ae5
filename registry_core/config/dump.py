"""Convert a spec into plain data that can be loaded again, with all defaults and variables filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from registry_core.components import Component, Every
from registry_core.components.base import file_values
from registry_core.config.ignoring import IgnoreEntry


def dump(value: Any) -> Any:
    """Plain data of a spec or a part of it; components become ``{name: parameters}``."""
    if isinstance(value, Component):
        return {value.name_in_file: _fields(value)}
    if isinstance(value, BaseModel):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    if isinstance(value, IgnoreEntry):
        return value.written
    if isinstance(value, (Path, Every)):
        return str(value)
    return value


def _fields(model: BaseModel) -> dict[str, Any]:
    return {written: dump(value) for written, value in file_values(model).items()}
