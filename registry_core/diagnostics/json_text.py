"""JSON of results: numbers that are not finite have no form in JSON, and become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(data: Any, **options: Any) -> str:
    """The JSON of plain data, with null for NaN and infinities; ``options`` are those of ``json.dumps``."""
    try:
        return json.dumps(data, allow_nan=False, **options)
    except ValueError:
        return json.dumps(finite_or_none(data), allow_nan=False, **options)


def finite_or_none(data: Any) -> Any:
    """The same data with None for floats that are not finite."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {key: finite_or_none(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite_or_none(value) for value in data]
    return data
