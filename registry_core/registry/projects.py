"""Compare the entry points in pyproject.toml of projects on this machine with the installed ones."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from registry_core.catalog import Plugin
from registry_core.catalog.kinds import PREFIX
from registry_core.catalog.policy import normalised
from registry_core.diagnostics.shell_words import shell_word

Point = tuple[str, str, str]
"""Group, name and value of an entry point."""


@dataclass(frozen=True)
class DeclaredEntryPoints:
    """The entry points for registry-core that a project declares."""

    name: str
    folder: Path
    points: frozenset[Point]


def declared_in(folder: Path) -> DeclaredEntryPoints | None:
    """The declaration of the project in a folder; None unless it declares entry points for registry-core statically."""
    try:
        data = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    project: Any = data.get("project", {})
    if not isinstance(project, dict) or "entry-points" in project.get("dynamic", ()):
        return None
    points = frozenset(
        (group, name, str(value))
        for group, found in project.get("entry-points", {}).items()
        if group.startswith(PREFIX)
        for name, value in found.items()
    )
    return DeclaredEntryPoints(normalised(str(project.get("name", ""))), folder, points) if points else None


def stale(plugin: Plugin) -> str:
    """The difference between an editable install and its project, with a remedy; empty if there is none."""
    declared = declared_in(Path(plugin.editable)) if plugin.editable else None
    if declared is None:
        return ""
    installed = _installed_points(plugin.name)
    missing = sorted(f"{group}: {name}" for group, name, _ in declared.points - installed)
    extra = sorted(f"{group}: {name}" for group, name, _ in installed - declared.points)
    if not missing and not extra:
        return ""
    parts = [f"{word} {', '.join(names)}" for word, names in (("lacks", missing), ("still has", extra)) if names]
    what = f"its installed entry points differ from {declared.folder / 'pyproject.toml'}: it {' and '.join(parts)}"
    return f"{what}. Run: pip install -e {shell_word(declared.folder)}"


def not_installed(folder: Path) -> Iterator[str]:
    """A sentence about the project in a folder, if it declares components but is not installed."""
    declared = declared_in(folder)
    if declared is not None and not _installed_points(declared.name):
        what = f"{declared.name} in {folder} declares components, but is not installed"
        yield f"{what}. Run: pip install -e {shell_word(folder)}"


def _installed_points(name: str) -> frozenset[Point]:
    try:
        points = distribution(name).entry_points
    except PackageNotFoundError:
        return frozenset()
    return frozenset((point.group, point.name, point.value) for point in points if point.group.startswith(PREFIX))
