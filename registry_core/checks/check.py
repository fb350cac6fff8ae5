"""The decorator of checks: functions from a context to problems, with a code and the checks that precede them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

from registry_core.checks.context import CheckContext
from registry_core.config.loading.limits import MAX_MISTAKES, and_more
from registry_core.diagnostics import Problem

CheckFunction: TypeAlias = Callable[[CheckContext], Iterator[Problem]]


class Check(NamedTuple):
    """A check as it is declared."""

    name: str
    code: str
    """The code of its problems, unless they have one of their own."""
    function: CheckFunction
    after: tuple[str, ...]
    """Names of checks whose problems replace its own at the same keys, because they are the cause."""
    is_warning: bool


_declared: dict[str, Check] = {}


def check(code: str, *, after: tuple[str, ...] = ()) -> Callable[[CheckFunction], CheckFunction]:
    """Declare an error: a pipeline with such a problem cannot run, or computes nonsense."""
    return _declaring(code, after, is_warning=False)


def warning(code: str, *, after: tuple[str, ...] = ()) -> Callable[[CheckFunction], CheckFunction]:
    """Declare a warning: such a pipeline runs, but probably does not do what was intended.

    Warnings are computed only if there is no error: an incomplete spec would produce false ones.
    """
    return _declaring(code, after, is_warning=True)


def _declaring(code: str, after: tuple[str, ...], *, is_warning: bool) -> Callable[[CheckFunction], CheckFunction]:
    def declare(function: CheckFunction) -> CheckFunction:
        name = function.__name__
        if name in _declared:
            raise ValueError(f"two checks are called {name!r}")
        _declared[name] = Check(name, code, function, after, is_warning)
        return function

    return declare


def in_order(checks: Iterable[Check]) -> list[Check]:
    """The checks, each after those that it names in ``after``, else in the order of declaration."""
    waiting = {check.name: check for check in checks}
    ordered: list[Check] = []

    def place(check: Check, above: tuple[str, ...]) -> None:
        if check.name in above:
            raise ValueError(f"the checks {', '.join(above)} come after each other")
        for name in check.after:
            if name in waiting:
                place(waiting[name], (*above, check.name))
        if waiting.pop(check.name, None) is not None:
            ordered.append(check)

    for check in list(waiting.values()):
        place(check, ())
    return ordered


def declared(*, warnings: bool) -> list[Check]:
    """All declared errors or all declared warnings, in the order of execution."""
    return in_order(check for check in _declared.values() if check.is_warning == warnings)


def found_by(checks: Iterable[Check], context: CheckContext) -> list[Problem]:
    """The problems that checks find, each with its code; only the first at the same keys, and not too many."""
    found: dict[object, Problem] = {}
    for check in checks:
        problems = list(islice(check.function(context), MAX_MISTAKES + 1))
        for problem in and_more(problems[:MAX_MISTAKES]) if len(problems) > MAX_MISTAKES else problems:
            coded = problem if problem.code else problem._replace(code=check.code)
            coded = coded._replace(warning=True) if check.is_warning else coded
            found.setdefault((coded.place, coded.keys), coded)
    return list(found.values())
