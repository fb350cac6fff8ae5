"""Import the target of a component; errors name the component at fault."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from registry_core.catalog.built_ins import refuse_other_built_ins
from registry_core.catalog.own import BUILT_INS
from registry_core.catalog.session import in_session, name_in_session, session_component
from registry_core.components.quiet_import import quiet_import
from registry_core.diagnostics import BrokenComponent, describe_error
from registry_core.diagnostics.foreign_code import pass_interrupt


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
    except BaseException as error:  # a module may raise anything when an attribute is read
        pass_interrupt(error)
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
    if name in sys.modules:
        return sys.modules[name]
    if name.partition(".")[0] == BUILT_INS:
        refuse_other_built_ins()
    try:
        with quiet_import(name, owner):
            return importlib.import_module(name)
    except BaseException as error:  # a plugin may raise anything while it is imported, or try to exit
        pass_interrupt(error)
        raise _broken(owner, target or name, error) from error


def _broken(owner: str, target: str, error: BaseException) -> BrokenComponent:
    return BrokenComponent(
        f"{owner} cannot be imported from {target!r}: {describe_error(error)}.", "Repair or reinstall it."
    )
