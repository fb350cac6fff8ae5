"""The weights of a checkpoint: those that safetensors stores, and what else a ``state_dict`` may hold.

Sparse tensors, complex ones and the extra state of a module, which may be of any type, are kept with the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry_core.engine.checkpoint.array_forms import is_stored

Parts = dict[str, dict[str, Any]]
"""Sets of weights by name, such as ``model``: each a ``state_dict``."""


def separate(parts: Mapping[str, Mapping[str, Any]]) -> tuple[Parts, Parts]:
    """The tensors that safetensors stores, of every part, and everything else of the parts that have more."""
    stored: Parts = {part: {} for part in parts}
    others: Parts = {}
    for part, found in parts.items():
        for name, value in found.items():
            (stored if is_stored(value) else others).setdefault(part, {})[name] = value
    return stored, others


def joined(stored: Parts, others: Parts) -> Parts:
    """The parts that ``separate`` was called with; the order of their entries may differ."""
    return {part: {**found, **others.get(part, {})} for part, found in stored.items()}
