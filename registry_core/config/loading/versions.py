"""Requirements of distributions: whether one is met here, and the command that meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_core.diagnostics.shell_words import shell_word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.specifiers import SpecifierSet


def found_instead(name: str, wanted: SpecifierSet) -> str | None:
    """The installed version if it does not match, empty if none is installed; None if it matches."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(name)
    except (PackageNotFoundError, ValueError):  # an empty name raises ValueError
        return ""
    return None if wanted.contains(found, prereleases=True) else found


def install_command(requirements: Iterable[str]) -> str:
    """The remedy ``Run: pip install …`` for names of distributions with versions, such as ``acme-losses>=1``.

    Requirements come from pipeline files, checkpoints and plugins of others. If one is anything but a name with
    versions, such as an option of pip or a URL, there is no command: the result is empty.
    """
    words = list(requirements)
    if not words or not all(map(_is_requirement, words)):
        return ""
    return f"Run: pip install {' '.join(map(shell_word, words))}"


def _is_requirement(text: str) -> bool:
    """True for the name of a distribution with version specifiers, and perhaps extras and a marker."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        found = Requirement(text)
    except InvalidRequirement:
        return False
    return found.url is None and text.isprintable() and all(one.operator != "===" for one in found.specifier)
