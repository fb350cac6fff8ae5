"""The number of mistakes that are looked for: finding what each was meant to be takes time."""

from __future__ import annotations

from collections.abc import Sequence

from registry_core.diagnostics import Problem

MAX_MISTAKES = 100
"""After this many mistakes of one sort, no more are looked for."""


def and_more(problems: Sequence[Problem]) -> list[Problem]:
    """The problems, the last of which says that there are more."""
    *others, last = problems
    return [*others, last._replace(message=f"{last.message} More mistakes follow, which are not shown.")]
