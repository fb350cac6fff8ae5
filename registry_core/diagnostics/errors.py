"""The exceptions of registry-core and their exit codes.

    RegistryError
    ├── PipelineError          the pipeline file is wrong (carries every problem)      exit 2
    ├── DataError              an image, a label or an index file is wrong             exit 2
    │   └── MissingData        a file or folder of data does not exist               exit 2
    ├── UnknownComponent       no distribution registers this name                     exit 2
    ├── NameConflict           several distributions register this name                exit 2
    ├── InvalidParameters      a component received wrong parameters                   exit 2
    ├── ScaffoldError          a new plugin cannot be written as requested             exit 2
    ├── BrokenComponent        a component does not import, build or fit its kind      exit 3
    ├── CheckpointError        a checkpoint is missing, damaged or of another run      exit 4
    └── RunError               the run cannot start or continue                        exit 5

Catch ``RegistryError`` to catch them all. Authors of components raise two more in declarations, and never catch them:
``CheckFailed`` and ``ParameterError`` of ``registry_core.components``. They become problems.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from registry_core.diagnostics.printable import printable_message
from registry_core.diagnostics.problem import Keys, Place, Problem


class RegistryError(Exception):
    """Base class of all errors that registry-core raises deliberately: a message and a remedy."""

    exit_code: int = 1
    about: object = None
    """The component of the pipeline that caused the error, if known."""
    keys: Keys = ()
    """The keys of the pipeline file that the error is about, if known."""
    place: Place | None = None
    """The place of these keys, if the pipeline is from a file."""
    code: str = ""
    """The code of the corresponding problem."""

    def __init__(self, message: str = "", remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return printable_message(super().__str__())

    def blaming(self, component: object) -> Self:
        """Set the component that the error is about, and return the error."""
        self.about = component
        return self

    def at(self, *keys: str | int, code: str = "") -> Self:
        """Set the keys of the file that the error is about, and ``code`` if it is not empty; return the error."""
        self.keys = keys
        self.code = code or self.code
        return self

    def adding(self, sentence: str) -> Self:
        """Append a sentence to the message, and return the error."""
        self.message = f"{self.message} {sentence}".strip()
        self.args = (f"{self.message} {self.remedy}".strip(),)
        return self

    def problem(self, *keys: str | int, place: Place | None = None) -> Problem:
        """The corresponding problem, about ``keys`` or, without any, about the keys of the error."""
        at = place or self.place
        return Problem(self.message, self.remedy, at, keys or self.keys, exit_code=self.exit_code, code=self.code)


class PipelineError(RegistryError):
    """A pipeline file is wrong; ``problems`` contains all of its mistakes."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        self.exit_code = max((problem.exit_code for problem in self.problems), default=2)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class DataError(RegistryError):
    """Data that a pipeline reads is missing or damaged."""

    exit_code = 2
    code = "data"


class MissingData(DataError):
    """A file or folder of data does not exist; on another machine it may."""


class UnknownComponent(RegistryError):
    """No installed distribution registers a component of this kind and name; ``closest`` is the probable name."""

    exit_code = 2
    code = "unknown-component"

    def __init__(self, message: str, remedy: str = "", closest: str = "") -> None:
        super().__init__(message, remedy)
        self.closest = closest


class NameConflict(RegistryError):
    """Several distributions register the same name, and the pipeline does not choose one of them."""

    exit_code = 2
    code = "name-conflict"


class InvalidParameters(RegistryError):
    """A component received parameters that it does not accept."""

    exit_code = 2
    code = "wrong-value"


class ScaffoldError(RegistryError):
    """A new plugin cannot be written as requested."""

    exit_code = 2


class BrokenComponent(RegistryError):
    """An installed component cannot be imported or built, or is not of its kind."""

    exit_code = 3
    code = "broken-component"


class CheckpointError(RegistryError):
    """A checkpoint is missing, damaged, or belongs to another run."""

    exit_code = 4
    code = "weights"


class RunError(RegistryError):
    """A run cannot start or continue, for a reason outside the pipeline file."""

    exit_code = 5
    code = "component-failed"
