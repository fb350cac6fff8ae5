"""Tell this registry-core and its built-in components from others that use their names."""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from pathlib import Path

from registry_core.catalog.policy import OWN
from registry_core.catalog.records import Plugin
from registry_core.diagnostics import BrokenComponent

BUILT_INS = "registry_builtin"
"""The package of the built-in components."""

_HOME = Path(__file__).parents[2]
"""The folder of the package registry_core: site-packages, or a checkout."""


def _places(home: Path) -> tuple[Path, ...]:
    """The folders of the built-ins beside a package registry_core: installed, and in a checkout."""
    return home / BUILT_INS, home / "plugins" / "builtin" / BUILT_INS


def belongs_here(plugin: Plugin) -> bool:
    """True for the distribution that brought this package."""
    return _HOME in (Path(plugin.location).parent, Path(plugin.editable or plugin.location))


def is_built_in(target: str) -> bool:
    """True for a target ``module:attribute`` in the package of the built-ins."""
    return re.split("[.:]", target)[0] == BUILT_INS


def editable_project(text: str | None) -> str:
    """The project folder of an editable install, from its ``direct_url.json`` (PEP 610); else an empty string."""
    if not text or "editable" not in text:
        return ""
    from urllib.parse import unquote, urlsplit

    try:
        data = json.loads(text)
        if not data["dir_info"]["editable"]:
            return ""
        return str(Path(unquote(urlsplit(data["url"]).path)))
    except (ValueError, KeyError, TypeError):
        return ""


@cache
def refuse_other_built_ins() -> None:
    """Raise BrokenComponent if another package with the name of the built-ins would be imported."""
    from registry_core.catalog.catalog import installed

    homes = [_HOME]  # the package and its metadata may be of two checkouts
    for plugin in installed().plugins:
        if plugin.name == OWN:
            homes.append(Path(plugin.editable) if plugin.editable else Path(plugin.location).parent)
    places = [folder.resolve() for home in homes for folder in _places(home) if folder.is_dir()]
    found = importlib.util.find_spec(BUILT_INS)
    if not places or found is None:  # an application that was frozen, or not installed: the import tells
        return
    folders = [Path(folder).resolve() for folder in found.submodule_search_locations or ()]
    if len(folders) != 1 or folders[0] not in places:
        where, own = ", ".join(map(str, folders)) or str(found.origin), str(places[0])
        message = f"The module {BUILT_INS!r} is found at {where!r}, but that of registry-core is at {own!r}."
        raise BrokenComponent(message, "Remove or rename the other one.")
