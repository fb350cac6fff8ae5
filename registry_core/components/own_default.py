"""The default of a parameter that no file can say, which is left to the class or function that is called."""

from __future__ import annotations

import inspect
from enum import Enum
from pathlib import Path
from typing import Any

from registry_core.diagnostics.sentences import on_one_line

_LONGEST = 60
"""At most this many characters of a default are shown."""


class OwnDefault:
    """Stands for the default of a parameter: the class is called without it, and has the very object of its author."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"OwnDefault({self.value!r})"

    def __str__(self) -> str:
        value = self.value
        if inspect.isclass(value) or inspect.isroutine(value) or inspect.ismodule(value):
            return str(value.__name__)
        if isinstance(value, Enum):
            return f"{type(value).__name__}.{value.name}"
        text = on_one_line(repr(value))
        if len(text) <= _LONGEST and " at 0x" not in text:
            return text
        name = type(value).__name__
        return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def is_plain(value: Any) -> bool:
    """True for a default of the types that files have, and for tuples and paths; an equal one is as good."""
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str, type(Path()))
