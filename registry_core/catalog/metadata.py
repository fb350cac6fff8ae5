"""The metadata folders of all installed distributions, read as text.

``importlib.metadata`` is slow to import. If ``sys.path`` has only ordinary folders, they are read directly;
``importlib.metadata`` is used if there is anything else, such as a zip file or a custom finder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple


class Metadata(NamedTuple):
    """The metadata of one distribution: a folder, or an object of ``importlib.metadata`` for anything else."""

    folder: str
    found: Any = None

    def read_text(self, name: str) -> str:
        """The text of a file in it, empty if there is none. OSError or UnicodeDecodeError if it cannot be read."""
        if self.found is not None:
            return self.found.read_text(name) or ""
        try:
            with FileIO(os.path.join(self.folder, name)) as file:  # noqa: PTH118  # a Path is as slow as the reading
                return file.readall().decode().replace("\r\n", "\n")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):  # Python ignores these too
            return ""


def all_metadata() -> Iterator[Metadata]:
    """The metadata of every distribution, in the order of ``sys.path``; a distribution may occur twice."""
    if any(map(_is_special, sys.path)) or any(map(_finds_distributions, sys.meta_path)):
        from importlib.metadata import distributions

        for found in distributions():
            yield Metadata(str(getattr(found, "_path", "a distribution")), found)
        return
    for entry in dict.fromkeys(sys.path):
        try:
            with os.scandir(entry or ".") as entries:
                named = [(each.name, each.path) for each in entries]
        except OSError:
            continue
        egg = entry.endswith(".egg")
        for name, path in named:
            if name.endswith((".dist-info", ".egg-info")) or (egg and name.lower() == "egg-info"):
                yield Metadata(path)


def _is_special(entry: Any) -> bool:
    return not isinstance(entry, str) or Path(entry).is_file()


def _finds_distributions(finder: Any) -> bool:
    return finder is not PathFinder and hasattr(finder, "find_distributions")
