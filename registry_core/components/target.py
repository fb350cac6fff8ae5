"""Import the target of a component; errors name the component at fault."""

from __future__ import annotations

import importlib
import sys
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

from registry_core.catalog.session import in_session, name_in_session, session_component
from registry_core.diagnostics import BrokenComponent, describe_error


def load_target(target: str, owner: str = "") -> Any:
    """The object that ``module:attribute`` names, or that is registered in this session under this target.

    Raises BrokenComponent, with the cause chained, if there is none.
    """
    module_name, _, attribute = target.partition(":")
    if name := name_in_session(target):
        return _of_session(target, name)
    who = owner or f"The target {target!r}"
    found: Any = import_module(module_name, who, target)
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:  # a module may raise anything when an attribute is read
        raise _broken(who, target, error) from error
    return found


def _of_session(target: str, name: str) -> Any:
    if component := in_session(target):
        return component.thing
    if session_component(name) is None:
        message = f"{name} was registered in another session, and is not here."
        raise BrokenComponent(message, f"Register it again with registry_core.register({name!r}, …).")
    message = f"{name} was registered again, with other parameters, since the pipeline was loaded."
    raise BrokenComponent(message, "Load the pipeline again.")


def import_module(name: str, owner: str, target: str = "") -> ModuleType:
    """A module; BrokenComponent, with the cause chained, if it cannot be imported.

    Its output during the import goes to standard error: standard output belongs to the command.
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
