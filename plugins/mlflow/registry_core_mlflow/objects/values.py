"""Convert a pipeline to MLflow parameters, and names to those that MLflow accepts."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST_NAME = 250
LONGEST_VALUE = 6000
"""Limits of MLflow in characters."""

_NOT_SHOWN = ("hooks", "version")
"""Keys that do not affect the result; hooks may contain addresses with passwords."""


def parameters(pipeline: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a resolved pipeline by dotted name; a component without parameters is a value."""
    shown = {key: value for key, value in pipeline.items() if key not in _NOT_SHOWN}
    return {recorded_name(name): shortened(_text(value)) for name, value in _flattened(shown, "")}


def recorded_name(name: str) -> str:
    """Return the name if MLflow accepts it, otherwise a similar unique name."""
    made = re.sub(r"[^/\w.\- ]", "_", name)
    if posixpath.normpath(made) != made or made.startswith(("/", "..")) or made == ".":
        made = made.replace("/", "_")
    if made == name and len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{made[: LONGEST_NAME - 9]}-{mark}"


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return the text, truncated to the limit of MLflow."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _flattened(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value.values())) == {} and path:
        yield path, next(iter(value))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flattened(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            yield from _flattened(item, f"{path}.{place}")
    elif value is not None and value != []:
        yield path, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
