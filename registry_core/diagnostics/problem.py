"""Problems as data: the place of a mistake, its description, and its correction."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from registry_core.diagnostics.near_matches import Suggestion
from registry_core.diagnostics.printable import printable_message

Keys = tuple[str | int, ...]
"""The keys and list indices that lead from the root of a file to a value."""


STDIN = Path("<stdin>")
"""Standard input in the place of a pipeline file; the command line writes it as ``-``."""


def dotted(keys: Keys) -> str:
    """The keys to a value as text: ``data.train.transforms[0]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


class Place(NamedTuple):
    """The place of a value: a file with line and column (from 1), or an option such as ``--set``."""

    source: str
    line: int | None = None
    column: int | None = None
    end: tuple[int, int] | None = None
    """Line and column of the first character after it, if known."""

    def __str__(self) -> str:
        if self.line is None:
            return self.source
        return f"{self.source}:{self.line}:{self.column}"


class Fix(NamedTuple):
    """A change of the file that corrects a mistake: replace ``old`` at ``place`` by ``new``."""

    place: Place
    old: str
    new: str
    certain: bool = True
    """True if the intention is unambiguous; the user is asked about any other fix."""


class Problem(NamedTuple):
    """One mistake: its description, the remedy, its place and the keys that it is about."""

    message: str
    remedy: str = ""
    place: Place | None = None
    keys: Keys = ()
    """The keys of the file that lead to the value."""
    exit_code: int = 2
    """3 if a component is broken, which is not a mistake of the file."""
    code: str = ""
    """The kind of mistake, stable across versions; ``registry-core explain CODE`` explains it."""
    warning: bool = False
    """True if the pipeline can run, but probably not as intended."""
    fix: Fix | None = None
    suggestion: Suggestion | None = None
    """The near matches of an unknown word, if nothing else is known about it."""

    @property
    def path(self) -> str:
        """The keys as text: ``data.train.transforms[0]``."""
        return dotted(self.keys)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        about = f"{self.path}: " if self.path else ""
        about = f"warning: {about}" if self.warning else about
        code = f" [{self.code}]" if self.code else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return printable_message(f"{where}{about}{self.message}{remedy}{code}")
