"""Refuse a package that passes for that of the built-in components."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from registry_core.catalog.catalog import installed
from registry_core.catalog.own import BUILT_INS, HOME, places
from registry_core.catalog.policy import OWN
from registry_core.diagnostics import BrokenComponent


@cache
def refuse_other_built_ins() -> None:
    """Raise BrokenComponent if another package with the name of the built-ins would be imported."""
    homes = [HOME]  # the package and its metadata may be of two checkouts
    for plugin in installed().plugins:
        if plugin.name == OWN:
            homes.append(Path(plugin.editable) if plugin.editable else Path(plugin.location).parent)
    there = [folder.resolve() for home in homes for folder in places(home) if folder.is_dir()]
    found = importlib.util.find_spec(BUILT_INS)
    if not there or found is None:  # an application that was frozen, or not installed: the import tells
        return
    folders = [Path(folder).resolve() for folder in found.submodule_search_locations or ()]
    if len(folders) != 1 or folders[0] not in there:
        where, own = ", ".join(map(str, folders)) or str(found.origin), str(there[0])
        message = f"The module {BUILT_INS!r} is found at {where!r}, but that of registry-core is at {own!r}."
        raise BrokenComponent(message, "Remove or rename the other one.")
