"""Run the checks of components and return their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from registry_core.catalog import Record
from registry_core.diagnostics import RegistryError, describe_error
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.diagnostics.sentences import on_one_line
from registry_core.testing.checks import Check, checks_of
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject

Status = Literal["passed", "failed", "left out", "failed as expected", "passed unexpectedly"]


@dataclass(frozen=True)
class Result:
    """The result of one check of one component."""

    component: str
    check: str
    status: Status
    reason: str = ""
    """The reason why it failed or was left out, or the author's reason for an expected failure."""

    @property
    def is_right(self) -> bool:
        """True if nothing has to be fixed."""
        return self.status not in ("failed", "passed unexpectedly")


def run_checks(records: Sequence[Record], expected_failures: Mapping[str, str] | None = None) -> Iterator[Result]:
    """Run all checks of components; ``expected_failures`` maps ``kind/name: check`` to the reason."""
    for record in records:
        for check in checks_of(Subject(record)):
            yield result_of(check, (expected_failures or {}).get(check.identity, ""))


def result_of(check: Check, expected: str = "") -> Result:
    """Run one check; ``expected`` is the reason why it is expected to fail, if it is."""
    component = check.subject.record.full_name
    try:
        check()
    except NotApplicable as reason:
        return Result(component, check.name, "left out", str(reason))
    except BaseException as error:  # a component may raise anything
        pass_interrupt(error)
        status: Status = "failed as expected" if expected else "failed"
        return Result(component, check.name, status, expected or described(error))
    return Result(component, check.name, "passed unexpectedly" if expected else "passed", expected)


def described(error: BaseException) -> str:
    """The message of an error, in one paragraph."""
    if isinstance(error, (AssertionError, RegistryError)) and str(error):
        return on_one_line(str(error))
    return describe_error(error)
