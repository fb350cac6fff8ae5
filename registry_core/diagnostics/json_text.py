"""JSON of results: numbers that are not finite have no form in JSON, and become null.

Characters that are not printable are escaped, also where others beyond ASCII are not: JSON is shown on terminals, too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any


def json_text(data: Any, **options: Any) -> str:
    """The JSON of plain data, with null for NaN and infinities; ``options`` are those of ``json.dumps``."""
    try:
        text = json.dumps(data, allow_nan=False, **options)
    except ValueError:
        text = json.dumps(finite_or_none(data), allow_nan=False, **options)
    return _NOT_ASCII.sub(_escaped, text)


_NOT_ASCII = re.compile(r"[^\n -~]")


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def finite_or_none(data: Any) -> Any:
    """The same data with None for floats that are not finite."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {key: finite_or_none(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite_or_none(value) for value in data]
    return data
