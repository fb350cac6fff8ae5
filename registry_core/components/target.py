"""Import what a component names, and say whose fault it is when that fails."""

from __future__ import annotations

import importlib
from typing import Any

from registry_core.errors import BrokenComponent


def load_target(target: str, owner: str = "") -> Any:
    """The object that ``module:attribute`` names; BrokenComponent, with the cause chained, if there is none."""
    module_name, _, attribute = target.partition(":")
    who = owner or f"The target {target!r}"
    try:
        found = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # a plugin may raise anything while it is imported
        cause = f"{type(error).__name__}: {error}"
        raise BrokenComponent(f"{who} cannot be imported from {target!r}: {cause}. Repair or reinstall it.") from error
    return found
