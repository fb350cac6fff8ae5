"""Tell this registry-core and its built-in components from others that use their names."""

from __future__ import annotations

import json
import re
from pathlib import Path

from registry_core.catalog.records import Plugin

BUILT_INS = "registry_builtin"
"""The package of the built-in components."""

HOME = Path(__file__).parents[2]
"""The folder of the package registry_core: site-packages, or a checkout."""


def places(home: Path) -> tuple[Path, ...]:
    """The folders of the built-ins beside a package registry_core: installed, and in a checkout."""
    return home / BUILT_INS, home / "plugins" / "builtin" / BUILT_INS


def belongs_here(plugin: Plugin) -> bool:
    """True for the distribution that brought this package."""
    return HOME.resolve() in (Path(plugin.location).resolve().parent, Path(plugin.editable or "/").resolve())


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
