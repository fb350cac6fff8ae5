"""Format values for messages as they are written in a pipeline file."""

from __future__ import annotations

from typing import Any

_LONGEST = 60
"""At most this many characters of a value are shown."""


def format_value(value: Any) -> str:
    """Format a value as in a pipeline file, such as ``[1, null]`` or ``'auto'``; a long one is cut off."""
    text = _written(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_written(item)}' for key, item in value.items())}}}"
    return repr(value)
