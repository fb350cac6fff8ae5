"""The exceptions of registry-core and their exit codes.

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

Catch ``RegistryError`` to catch them all. Two more are for authors of components, who raise them in declarations and
never catch them: ``CheckFailed`` and ``ParameterError`` of ``registry_core.components``. They become problems.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from registry_core.diagnostics.problem import Keys, Place, Problem


class RegistryError(Exception):
    """Root of all errors that registry-core raises on purpose: a sentence, and what to do about it."""

    exit_code: int = 1
    about: object = None
    """The component of the pipeline that is to blame, where that is known."""
    keys: Keys = ()
    """The keys of the pipeline file that it is about, where they are known."""
    code: str = ""
    """The code of a problem that says the same."""

    def __init__(self, message: str = "", remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy

    def blaming(self, component: object) -> Self:
        """The same error, knowing the component that it is about."""
        self.about = component
        return self

    def at(self, *keys: str | int, code: str = "") -> Self:
        """The same error, knowing the keys of the file that it is about; ``code`` if it has one of its own."""
        self.keys = keys
        self.code = code or self.code
        return self

    def problem(self, *keys: str | int, place: Place | None = None) -> Problem:
        """The problem that says the same, about ``keys``, or about those that the error knows itself."""
        return Problem(self.message, self.remedy, place, keys or self.keys, exit_code=self.exit_code, code=self.code)


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
        super().__init__(message, remedy)
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
