"""Match names against the patterns of a file, within a budget for all of them together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from registry_core.config.pattern_cost import cost
from registry_core.config.text.fixes import value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem, format_value

MAX_STEPS = 50_000_000
"""About a second: the steps of all matches of one file, as far as the patterns and the lengths of names tell."""

_spent: ContextVar[list[float] | None] = ContextVar("steps of matches", default=None)


class _TooCostly(Exception):
    """The steps of all matches exceed the budget; its argument is the pattern that was to be matched."""


@contextmanager
def bounded_matching(tree: Tree) -> Iterator[None]:
    """Count the steps of matches within; PipelineError, at the pattern in the tree, before they exceed the budget."""
    token = _spent.set([0.0])
    try:
        yield
    except _TooCostly as error:
        (pattern,) = error.args
        keys: Keys = next((keys for keys in tree.values if value_at(tree.data, keys) == pattern), ())
        message = f"Up to {format_value(pattern)}, the patterns of the file take too long to match all names."
        remedy = "Use fewer patterns, with fewer repetitions."
        raise PipelineError([Problem(message, remedy, tree.place(keys), keys, code="wrong-value")]) from None
    finally:
        _spent.reset(token)


def fullmatch(pattern: str, name: str) -> re.Match[str] | None:
    """The match of a pattern with a whole name."""
    _spend(pattern, cost(pattern, len(name)))
    return re.fullmatch(pattern, name)


def search(pattern: str, name: str) -> re.Match[str] | None:
    """The first match of a pattern in a name."""
    _spend(pattern, len(name) * cost(pattern, len(name)))
    return re.search(pattern, name)


def _spend(pattern: str, steps: float) -> None:
    if (spent := _spent.get()) is not None:
        spent[0] += steps
        if spent[0] > MAX_STEPS:
            raise _TooCostly(pattern)
