"""The exceptions, their exit codes, and the places they speak of.

    RegistryError
    ├── PipelineError          the pipeline file is wrong (carries every problem)      exit 2
    ├── DataError              an image, a label or an index file is wrong             exit 2
    ├── UnknownComponent       no distribution registers this name                     exit 2
    ├── NameConflict           several distributions register this name                exit 2
    ├── InvalidParameters      a component was given wrong parameters                  exit 2
    ├── ScaffoldError          a new plugin cannot be written as it was asked for      exit 2
    ├── BrokenComponent        a component does not import, build or fit its kind      exit 3
    ├── CheckpointError        a checkpoint is missing, damaged or of another run      exit 4
    └── RunError               the run itself cannot go on                             exit 5

Catch ``RegistryError`` to catch them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Self

__all__ = [
    "BrokenComponent",
    "CheckpointError",
    "DataError",
    "Fix",
    "InvalidParameters",
    "NameConflict",
    "PipelineError",
    "Place",
    "Problem",
    "RegistryError",
    "RunError",
    "ScaffoldError",
    "UnknownComponent",
    "closest",
    "near",
]


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
    path: str = ""
    exit_code: int = 2
    """3 where a component is broken: that is no mistake of the file."""
    code: str = ""
    """What kind of mistake it is, stable over versions: ``registry-core explain CODE``."""
    warning: bool = False
    """Whether the pipeline runs all the same, though it hardly does what is meant."""
    fix: Fix | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        about = f"{self.path}: " if self.path else ""
        about = f"warning: {about}" if self.warning else about
        code = f" [{self.code}]" if self.code else ""
        return f"{where}{about}{self.message}" + (f" {self.remedy}" if self.remedy else "") + code


class RegistryError(Exception):
    """Root of all errors that registry-core raises on purpose."""

    exit_code: int = 1
    about: object = None
    """The component of the pipeline that is to blame, where that is known."""
    code: str = ""
    """The code of a problem that says the same."""

    def blaming(self, component: object) -> Self:
        """The same error, knowing the component that it is about."""
        self.about = component
        return self


class PipelineError(RegistryError):
    """A pipeline file is wrong; ``problems`` has all of its mistakes."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        self.exit_code = max((problem.exit_code for problem in self.problems), default=2)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(RegistryError):
    """Data that a pipeline reads is missing or damaged."""

    exit_code = 2
    code = "data"


class UnknownComponent(RegistryError):
    """No installed distribution registers a component of this kind and name; ``closest``: what is probably meant."""

    exit_code = 2
    code = "unknown-component"

    def __init__(self, message: str, remedy: str = "", closest: str = "") -> None:
        super().__init__(f"{message} {remedy}".rstrip())
        self.message = message
        self.remedy = remedy
        self.closest = closest


class NameConflict(RegistryError):
    """Several distributions register the same name, and the pipeline does not say which it means."""

    exit_code = 2
    code = "name-conflict"


class InvalidParameters(RegistryError):
    """A component was given parameters that it does not take."""

    exit_code = 2
    code = "wrong-value"


class ScaffoldError(RegistryError):
    """A new plugin cannot be written as it was asked for."""

    exit_code = 2


class BrokenComponent(RegistryError):
    """An installed component does not import, does not build, or is not of its kind."""

    exit_code = 3
    code = "broken-component"


class CheckpointError(RegistryError):
    """A checkpoint is missing, damaged, or belongs to another run."""

    exit_code = 4
    code = "weights"


class RunError(RegistryError):
    """A run cannot start or go on, for a reason outside the pipeline file."""

    exit_code = 5
    code = "component-failed"


_SHOWN = 16
"""So many known words are named."""


def near(word: str, words: Iterable[str]) -> str:
    """The remedy for a misspelt word: ``Did you mean 'x'?``, or the words there are."""
    known = sorted(words)
    if not known:
        return ""
    if close := closest(word, known):
        return f"Did you mean {' or '.join(repr(name) for name in close)}?"
    shown = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    return f"Known are: {shown}."


def closest(word: str, words: Iterable[str]) -> list[str]:
    """The one or two words that a misspelt one is most like; none if there is no such."""
    known = sorted(words)
    folded = {_folded(name): name for name in reversed(known)}
    sought = _folded(word)
    if exact := folded.get(sought):
        return [exact]
    if len(sought) >= _TELLING and (longer := [name for name in known if _folded(name).startswith(sought)]):
        return sorted(longer, key=len)[:2]
    if similar := _similar(sought, folded):
        return similar
    return _parts(word, folded)


_TELLING = 3
"""Letters that say enough for a word that they begin."""

_TELLING_END = 5
"""Letters that say enough for a word that they end."""

_SIMILAR = 0.65
"""How much two words must be alike, from 0 to 1; below, words with the same ending pass."""


def _similar(sought: str, folded: dict[str, str]) -> list[str]:
    import difflib

    found = difflib.get_close_matches(sought, folded, n=2, cutoff=_SIMILAR)
    if len(sought) <= _TELLING:  # words so short are alike by chance, if not of the same letters
        found = [name for name in found if len(name) != len(sought) or sorted(name) == sorted(sought)]
    return [folded[name] for name in found]


def _parts(word: str, folded: dict[str, str]) -> list[str]:
    """The longest word that a word begins or ends with (``CrossEntropyLoss``), or its initials (``learning_rate``)."""
    sought = _folded(word)
    begins = [name for name in folded if len(name) >= _TELLING and sought.startswith(name)]
    ends = [name for name in folded if min(len(name), len(sought)) >= _TELLING_END]
    ends = [name for name in ends if sought.endswith(name) or name.endswith(sought)]
    first = word.partition("_")[0].lower()
    found = begins or ([first] if len(first) > 1 and first in folded else []) or ends
    if not found:
        initials = "".join(part[0] for part in word.lower().split("_") if part)
        found = [initials] if len(initials) > 1 and initials in folded else []
    return [folded[name] for name in sorted(found, key=len)[-1:]]


def _folded(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
