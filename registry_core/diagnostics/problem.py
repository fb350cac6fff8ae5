"""Problems as data: where something is written, what is wrong with it, and how to correct it."""

from __future__ import annotations

from typing import NamedTuple

from registry_core.diagnostics.near_matches import Suggestion

Keys = tuple[str | int, ...]
"""The keys and list indices that lead from the root of a file to a value."""


def dotted(keys: Keys) -> str:
    """The keys to a value as text: ``data.train.transforms[0]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


class Place(NamedTuple):
    """Where a value was written: a file with line and column (from 1), or an option such as ``--set``."""

    source: str
    line: int | None = None
    column: int | None = None
    end: tuple[int, int] | None = None
    """Line and column of the first character behind it, where that is known."""

    def __str__(self) -> str:
        if self.line is None:
            return self.source
        return f"{self.source}:{self.line}:{self.column}"


class Fix(NamedTuple):
    """A change of the file that corrects a mistake: at ``place`` write ``new`` instead of ``old``."""

    place: Place
    old: str
    new: str
    certain: bool = True
    """Whether nothing else can be meant; what is only likely is asked for."""


class Problem(NamedTuple):
    """One mistake: what is wrong, what to do, where it stands and which key it is about."""

    message: str
    remedy: str = ""
    place: Place | None = None
    keys: Keys = ()
    """The keys of the file that lead to what it is about."""
    exit_code: int = 2
    """3 where a component is broken: that is no mistake of the file."""
    code: str = ""
    """What kind of mistake it is, stable over versions: ``registry-core explain CODE``."""
    warning: bool = False
    """Whether the pipeline runs all the same, though it hardly does what is meant."""
    fix: Fix | None = None
    suggestion: Suggestion | None = None
    """For an unknown word of which nothing but its near matches is known: these."""

    @property
    def path(self) -> str:
        """The keys as text: ``data.train.transforms[0]``."""
        return dotted(self.keys)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        about = f"{self.path}: " if self.path else ""
        about = f"warning: {about}" if self.warning else about
        code = f" [{self.code}]" if self.code else ""
        return f"{where}{about}{self.message}" + (f" {self.remedy}" if self.remedy else "") + code
