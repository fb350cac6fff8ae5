"""Match names against the patterns of a file, within a budget for all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from registry_core.config.pattern_cost import cost
from registry_core.config.text.fixes import value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem, format_value

MAX_STEPS = 50_000_000
"""About a second: the steps of all matches of one file, as far as the patterns and the lengths of names tell."""

MAX_SUGGESTIONS = 20
"""For this many patterns that match nothing, the nearest names are looked for, which takes long in large models."""


_CALL = 40
"""The cost of a call, in steps."""


@dataclass
class _Budget:
    steps: float = MAX_STEPS
    suggestions: int = MAX_SUGGESTIONS


_budget: ContextVar[_Budget | None] = ContextVar("budget of matches", default=None)


class _TooCostly(Exception):
    """The steps of all matches exceed the budget; its argument is the pattern that was to be matched."""


@contextmanager
def bounded_matching(tree: Tree) -> Iterator[None]:
    """Count the steps of matches within; PipelineError, at the pattern in the tree, before they exceed the budget."""
    token = _budget.set(_Budget())
    try:
        yield
    except _TooCostly as error:
        (pattern,) = error.args
        keys: Keys = next((keys for keys in tree.values if value_at(tree.data, keys) == pattern), ())
        message = f"Up to {format_value(pattern)}, the patterns of the file take too long to match all names."
        remedy = "Use fewer patterns, with fewer repetitions."
        raise PipelineError([Problem(message, remedy, tree.place(keys), keys, code="wrong-value")]) from None
    finally:
        _budget.reset(token)


def fullmatch(pattern: str, name: str) -> re.Match[str] | None:
    """The match of a pattern with a whole name."""
    _spend(pattern, cost(pattern, len(name)))
    return _compiled(pattern).fullmatch(name)


def search(pattern: str, name: str) -> re.Match[str] | None:
    """The first match of a pattern in a name."""
    _spend(pattern, cost(pattern, len(name), anywhere=True))
    return _compiled(pattern).search(name)


_compiled = lru_cache(maxsize=20_000)(re.compile)
"""Compiled patterns: the cache of `re` itself is smaller than the lists of patterns in a file may be."""


def _spend(pattern: str, steps: float) -> None:
    if (budget := _budget.get()) is not None:
        budget.steps -= _CALL + steps
        if budget.steps < 0:
            raise _TooCostly(pattern)


def may_suggest() -> bool:
    """True if the nearest names may be looked for once more."""
    if (budget := _budget.get()) is None:
        return True
    budget.suggestions -= 1
    return budget.suggestions >= 0
