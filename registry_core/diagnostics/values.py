"""Values as messages show them: written as in a pipeline file."""

from __future__ import annotations

import json
from typing import Any

_LONGEST = 60
"""Characters of a value that messages show."""


def format_value(value: Any) -> str:
    """A value as a pipeline file has it, such as ``[1, null]`` or ``'auto'``; the end of a long one is left out."""
    text = _written(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_written(item)}' for key, item in value.items())}}}"
    return repr(value)
