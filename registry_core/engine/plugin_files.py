"""The files of a distribution that its components may depend on, by their SHA-256.

They are those that its installer recorded. Of an editable install and of a module named with ``-p``, which no installer
recorded, they are all files of its packages.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from registry_core.catalog import installed
from registry_core.catalog.policy import OWN

LISTED = 100
"""The hash of each file is recorded where there are at most this many, else that of all."""
MOST_FILES = 20_000
MOST_BYTES = 2 * 1024**3
"""Distributions with more files or bytes are not hashed."""

_NOT_READ = (".pyc", ".pyo", "~")
_SITES = ("site-packages", "dist-packages")
_SCRIPTS = ("bin", "Scripts")


def hashes_of(distribution: str, modules: Iterable[str]) -> dict[str, Any]:
    """The hashes of the files of a distribution, or of a local module, that has components in these modules.

    ``sha256`` is that of all files, None for too many or too large ones; ``files`` has that of each by its path, unless
    there are more than ``LISTED``. ``helpers`` has those of other modules that were loaded from the folder of a
    package; the metadata of its distribution, if it has any, do not say whether they belong to it.
    """
    found = _found(distribution, modules)
    helpers = {name: _hash(path) for name, path in _loaded_from(found.folders, {*found.files.values()})}
    made: dict[str, Any] = {"sha256": None, "files": {}, **({"helpers": helpers} if helpers else {})}
    if found.fits:
        files = {name: _hash(path) for name, path in sorted(found.files.items())}
        made["sha256"] = hashlib.sha256(repr(files).encode("utf-8", "surrogatepass")).hexdigest()
        made["files"] = files if len(files) <= LISTED else {}
    return made


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str] | None:
    """The files that differ between two results of ``hashes_of``, as far as they are listed; None if none differs."""
    helpers, others = _digests(before, "helpers"), _digests(now, "helpers")
    loaded = [name for name in sorted({*helpers} & {*others}) if helpers[name] != others[name]]
    if before.get("sha256") is not None and before.get("sha256") == now.get("sha256"):
        return loaded or None
    files, here = _digests(before, "files"), _digests(now, "files")
    return [
        *(name for name in sorted({*files, *here}) if files.get(name) != here.get(name) and files and here),
        *loaded,
    ]


def _digests(hashes: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The digests by file under a name; empty if a record that somebody changed has anything else there."""
    found = hashes.get(name)
    return found if isinstance(found, dict) else {}


class _Root(NamedTuple):
    """The folder of a package, or the file of a module, and the folder that it is imported from."""

    path: Path
    parent: Path


class _Found(NamedTuple):
    """Files by their paths, and the folders around packages that no metadata list; some if there are too many."""

    files: dict[str, Path]
    folders: list[Path]
    fits: bool


def _found(distribution: str, modules: Iterable[str]) -> _Found:
    plugin = next((plugin for plugin in installed().plugins if plugin.name == distribution), None)
    metadata = Path(plugin.location) if plugin else None
    recorded = dict(_recorded(metadata)) if metadata else {}
    named = _top_level(metadata) if metadata else []
    files: dict[str, Path] = {}
    folders: list[Path] = []
    for root, parent in sorted({root for module in (*modules, *named) for root in _roots_of(module)}):
        if any(path == root or root in path.parents for path in recorded.values()):
            files |= recorded
        else:
            folders += [] if named else [parent]
            for path in [root] if root.is_file() else _below(root):
                files[path.relative_to(parent).as_posix()] = path
                if len(files) > MOST_FILES:
                    return _Found(files, folders, False)
    if metadata and (points := metadata / "entry_points.txt").is_file():
        files[points.name] = points
    return _Found(files, folders, len(files) <= MOST_FILES and sum(map(_bytes, files.values())) <= MOST_BYTES)


def _recorded(metadata: Path) -> Iterator[tuple[str, Path]]:
    """The files that the installer recorded, without its own, scripts and compiled code."""
    try:
        rows = [*csv.reader((metadata / "RECORD").read_text(encoding="utf-8").splitlines())]
    except (OSError, ValueError, csv.Error):
        return
    for name in (row[0] for row in rows if row):
        path = Path(os.path.normpath(metadata.parent / name))
        if metadata not in path.parents and path.parent.name not in _SCRIPTS and _is_read(path.name) and path.is_file():
            yield name, path


def _top_level(metadata: Path) -> list[str]:
    """The top-level modules that metadata name, which few tools write."""
    try:
        return (metadata / "top_level.txt").read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return []


def _roots_of(module: str) -> Iterator[_Root]:
    """The package or the file of the top-level module that a module is in; nothing is imported.

    Other distributions have packages in a namespace package, too, so it is the package below.
    """
    top, *rest = module.split(".")
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):  # find_spec raises these for damaged modules
        return
    if found is None:
        return
    roots = [_Root(Path(folder), Path(folder).parent) for folder in found.submodule_search_locations or ()]
    if not roots and found.has_location and found.origin:
        yield _Root(Path(found.origin), Path(found.origin).parent)
    while rest and roots and not any((root.path / "__init__.py").is_file() for root in roots):
        part = rest.pop(0)
        below = [root._replace(path=root.path / part) for root in roots]
        files = [root._replace(path=root.path.with_suffix(".py")) for root in below]
        yield from (file for file in files if file.path.is_file())
        roots = [root for root in below if root.path.is_dir()]
    yield from roots


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if _is_read(name))


def _is_read(name: str) -> bool:
    return not name.endswith(_NOT_READ) and not name.startswith(".")


def _loaded_from(folders: Iterable[Path], others: set[Path]) -> Iterator[tuple[str, Path]]:
    """The modules that were loaded from folders, by their paths in them, besides those that pip installed."""
    prefixes = [f"{folder}{os.sep}" for folder in folders if folder.name not in _SITES]
    known = others | {*_found(OWN, [__name__]).files.values()} if prefixes else others
    for name, module in list(sys.modules.items()):
        file = str(vars(module).get("__file__")) if isinstance(module, ModuleType) else ""
        prefix = next(filter(file.startswith, prefixes), None)
        if prefix is None or name == "__main__" or Path(file) in known or not {*Path(file).parts}.isdisjoint(_SITES):
            continue
        yield Path(file.removeprefix(prefix)).as_posix(), Path(file)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _hash(path: Path) -> str:
    try:
        facts = path.stat()
        return _sha256(path, facts.st_mtime_ns, facts.st_size)
    except OSError:
        return "unreadable"


@cache
def _sha256(path: Path, _changed: int, _bytes: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
