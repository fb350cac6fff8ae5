"""Is a distribution installed, in a version that is asked for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def found_instead(name: str, wanted: SpecifierSet) -> str | None:
    """The version that is installed though another one is wanted, empty if there is none; None if all is right."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(name)
    except (PackageNotFoundError, ValueError):  # an empty name is a ValueError
        return ""
    return None if wanted.contains(found, prereleases=True) else found
