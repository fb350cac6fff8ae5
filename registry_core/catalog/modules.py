"""Find the source file of a module without importing it or its packages."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path


@cache
def module_file(module: str) -> Path | None:
    """The source file of a module; None if there is none (or it is not written in Python).

    ``importlib.util.find_spec`` of a submodule would import its packages, so it is called for the top package only.
    """
    top, *rest = module.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):  # find_spec raises these for damaged modules
        return None
    if found is None:
        return None
    if not rest:
        return Path(found.origin) if found.has_location and found.origin and found.origin.endswith(".py") else None
    for folder in found.submodule_search_locations or ():
        for path in (Path(folder, *rest[:-1], f"{rest[-1]}.py"), Path(folder, *rest, "__init__.py")):
            if path.is_file():
                return path
    return None


@cache
def text_of(module: str) -> str:
    """The source of a module; empty if it cannot be read."""
    path = module_file(module)
    try:
        return "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
