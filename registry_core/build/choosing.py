"""Choose modules by their class, and say so where a pattern chooses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from registry_core.errors import Problem
from registry_core.spec.groups import ModuleTypes


def is_of_type(module: nn.Module, modules: ModuleTypes) -> bool:
    """Whether a module is of one of these classes, or of one that derives from them."""
    types = (modules,) if isinstance(modules, str) else modules
    return any(base.__name__ in types for base in type(module).__mro__)


def matches_nothing(path: str, pattern: Any, model: nn.Module) -> Problem:
    """The problem of a pattern that chooses no parameter of the model."""
    names = [name for name, _ in model.named_parameters()]
    message = f"{pattern!r} matches nothing that is left for it in the model."
    return Problem(message, f"Its parameters are: {some_of(names)}", path=path)


def some_of(names: Sequence[str]) -> str:
    """The first four names, for messages."""
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
