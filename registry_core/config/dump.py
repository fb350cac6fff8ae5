"""Convert a spec into plain data that can be loaded again, with all defaults and variables filled in.

A default that no file can say, such as a class or infinity, and one that would be read as another value, is left out:
the component has it anyway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from registry_core.catalog import Preferences
from registry_core.components import Component
from registry_core.components.base import field_at, file_values, keys_set
from registry_core.components.written_forms import Unwritable, mapping, written
from registry_core.config.ignoring import IgnoreEntry
from registry_core.config.loading.annotations import model_in
from registry_core.config.loading.variables import escaped
from registry_core.config.text.source import MAX_BYTES
from registry_core.config.text.yaml_nodes import MAX_DEPTH, MAX_NODES
from registry_core.registry.registered_name import registered_name

_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON allows in texts, and that YAML does not, or reads as the end of a line."""


def dump(value: Any, prefer: Preferences | None = None) -> Any:
    """Plain data of a spec or a part of it; components become ``{name: parameters}``.

    Names are registered ones, and resolve to the same components under ``prefer``, by default that of the spec.
    Raises Unwritable, with its keys, for a value that was set in Python to one that a file cannot say.
    """
    return _Dump(prefer).data(value)


def recorded(spec: BaseModel) -> dict[str, Any]:
    """Plain data of a spec that fits the bounds of a pipeline file.

    Where the defaults do not fit, as those of thousands of layers, it has the values that were set, as they were set.
    """
    data: dict[str, Any] = dump(spec)
    if _fits(data):
        return data
    short: dict[str, Any] = _Dump(None, short=True).data(spec)
    return short


def pipeline_text(data: Mapping[str, Any]) -> str:
    """The text of a pipeline file in JSON, which is read as YAML, with the data of ``recorded``."""
    text = json.dumps(escaped(data), indent=2, ensure_ascii=False, allow_nan=False)
    if len(text) > MAX_BYTES // 4:  # bytes of a character
        text = json.dumps(escaped(data), ensure_ascii=False, allow_nan=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _fits(data: Any) -> bool:
    nodes, levels = _size(data)
    return nodes <= MAX_NODES and levels <= MAX_DEPTH and len(pipeline_text(data).encode()) <= MAX_BYTES


def _size(data: Any) -> tuple[int, int]:
    """The nodes of data in YAML, and the levels below the first."""
    if not isinstance(data, (dict, list)) or not data:
        return 1, 0
    parts = [_size(part) for part in (data.values() if isinstance(data, dict) else data)]
    keys = len(data) if isinstance(data, dict) else 0
    return 1 + keys + sum(nodes for nodes, _ in parts), 1 + max(levels for _, levels in parts)


@dataclass(frozen=True)
class _Dump:
    """Writes values under these preferences; ``short``: without defaults, as far as possible as they were written."""

    prefer: Preferences | None
    short: bool = False

    def data(self, value: Any) -> Any:
        if isinstance(value, Component):
            name = registered_name(value, self.prefer) or value.name_in_file
            with _within(name):
                parameters = self.fields(value)
            return {name: parameters} if parameters or not self.short else name
        if isinstance(value, BaseModel):
            return replace(self, prefer=getattr(value, "prefer", self.prefer)).fields(value)
        if isinstance(value, Mapping):
            return mapping(value, self.data)
        if isinstance(value, (list, tuple)):
            return [self.item(index, item) for index, item in enumerate(value)]
        if isinstance(value, IgnoreEntry):
            return value.written
        return written(value)

    def item(self, key: str | int, value: Any) -> Any:
        with _within(key):
            return self.data(value)

    def fields(self, model: BaseModel) -> dict[str, Any]:
        """The values of a model that it has again if they are read, by the names that files have for them."""
        values, was_set = file_values(model), keys_set(model)
        as_written = model.as_written if isinstance(model, Component) else {}
        if self.short:
            kept = {key: value for key, value in values.items() if key in was_set}
            plain = {key: as_written[key] for key in as_written if key in kept and not _has_models(kept[key])}
            return {key: self.item(key, plain.get(key, value)) for key, value in kept.items()}
        said: dict[str, Any] = {}
        for key, value in values.items():
            try:
                said[key] = self.item(key, value)
            except (Unwritable, RecursionError):
                if key in as_written:
                    said[key] = self.item(key, as_written[key])
                elif key in was_set:
                    raise
        while wrong := _read_otherwise(model, said, values):
            if not wrong - was_set:
                return {**said, **{key: as_written[key] for key in wrong & as_written.keys()}}
            said = {key: value for key, value in said.items() if key in was_set or key not in wrong}
        return said


@contextmanager
def _within(key: str | int) -> Iterator[None]:
    """Add a key to those of an error that is raised inside."""
    try:
        yield
    except Unwritable as error:
        error.keys = (key, *error.keys)
        raise


def _read_otherwise(model: BaseModel, said: Mapping[str, Any], values: Mapping[str, Any]) -> set[str]:
    """The keys of the values that would not be read as what they are; values with models in them are not looked at."""
    data = {key: values[key] if _has_models(values[key]) else value for key, value in said.items()}
    names = {key for key, value in data.items() if _has_texts(value) and _may_be_component(model, key)}
    try:
        again = file_values(type(model).model_validate(data))
    except ValidationError as error:
        named = {str(detail["loc"][0]) for detail in error.errors(include_url=False) if detail["loc"]}
        return named & said.keys() or {*said}
    except Exception:  # the validators of a plugin may raise anything
        return {*said}
    return names | {key for key in said if not _same(again[key], values[key])}


def _may_be_component(model: BaseModel, key: str) -> bool:
    """True for a parameter whose texts are read as names of components, if there are such."""
    field = field_at(type(model), key)
    target = None if field is None else model_in(field.annotation)
    return target is not None and issubclass(target, Component)


def _has_texts(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_texts, value))
    return isinstance(value, str) or (isinstance(value, Mapping) and any(map(_has_texts, value.values())))


def _has_models(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_has_models, value))
    return isinstance(value, BaseModel) or (isinstance(value, Mapping) and any(map(_has_models, value.values())))


def _same(left: Any, right: Any) -> bool:
    """True for equal values of the same types; -0.0 is not 0.0."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, Mapping):
        return _same([*left.items()], [*right.items()])
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, float):
        return repr(left) == repr(right)
    try:
        return bool(left == right)
    except Exception:  # values may be of any class, and be compared in any way
        return False
