"""Advice on a key that contains more than a key: ``lr=0.1``, ``lr:0.1``, or the rest of a number with a comma."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from registry_core.config.text.fixes import certain_fix, value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Fix, Keys, Place

_SPACES = {"\u00a0": "no-break space", "\u2003": "em space", "\u2009": "thin space", "\u3000": "ideographic space"}


def key_advice(tree: Tree, keys: Keys, place: Place | None, taken: Collection[str]) -> tuple[str, Fix | None] | None:
    """The remedy and the fix for an unknown key that was not meant as a key; None if it was.

    ``taken`` are the keys that are valid there.
    """
    name = str(keys[-1])
    for space, called in _SPACES.items():
        if space in name:
            return f"Replace the {called} by an ordinary space.", None
    if name.startswith(("//", "/*")):
        return "Begin a comment with #.", None
    below = value_at(tree.data, keys)
    if isinstance(below, dict) and below and set(below) <= set(taken):
        return "Remove it and move its contents one level up.", None
    if below is not None:
        return None
    for mark in (":", "="):
        word, found, value = name.partition(mark)
        if found and word.strip() and value.strip():
            meant = f"{word.strip()}: {value.strip()}"
            return f"Write `{meant}`, with a colon and a space.", certain_fix(place, name, meant)
    if name.isascii() and name.isdecimal() and (before := _before(tree, keys)) is not None:
        whole = f", or {before}{name} for a large one" if len(name) == 3 else ""
        return f"Write {before}.{name} for a decimal number{whole}, without a comma.", None
    return None


def _before(tree: Tree, keys: Keys) -> Any:
    """The integer that is written before the key at ``keys``."""
    siblings = value_at(tree.data, keys[:-1])
    names = list(siblings) if isinstance(siblings, dict) else []
    at = names.index(keys[-1]) if keys[-1] in names else 0
    value = siblings[names[at - 1]] if at else None
    return value if type(value) is int else None
