"""Import what a component names, and say whose fault it is when that fails."""

from __future__ import annotations

import importlib
import sys
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

from registry_core.diagnostics import BrokenComponent, describe_error


def load_target(target: str, owner: str = "") -> Any:
    """The object that ``module:attribute`` names; BrokenComponent, with the cause chained, if there is none."""
    module_name, _, attribute = target.partition(":")
    who = owner or f"The target {target!r}"
    found: Any = import_module(module_name, who, target)
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # a module may raise anything when an attribute is asked for
        raise _broken(who, target, error) from error
    return found


def import_module(name: str, owner: str, target: str = "") -> ModuleType:
    """A module; BrokenComponent, with the cause chained, if it cannot be imported.

    What it prints on the way goes to standard error: standard output belongs to the command.
    """
    try:
        with redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # a plugin may raise anything while it is imported, or try to exit
        raise _broken(owner, target or name, error) from error


def _broken(owner: str, target: str, error: BaseException) -> BrokenComponent:
    return BrokenComponent(
        f"{owner} cannot be imported from {target!r}: {describe_error(error)}.", "Repair or reinstall it."
    )
