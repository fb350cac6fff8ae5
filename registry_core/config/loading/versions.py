"""Check that a distribution is installed in a required version."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet


def found_instead(name: str, wanted: SpecifierSet) -> str | None:
    """The installed version if it does not match, empty if none is installed; None if it matches."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(name)
    except (PackageNotFoundError, ValueError):  # an empty name raises ValueError
        return ""
    return None if wanted.contains(found, prereleases=True) else found
