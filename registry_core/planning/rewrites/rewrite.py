"""A rewrite: a function from plan to plan, with its name, its reason, and how equal the results are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from registry_core.planning.plan import Plan

Equality = Literal["same bits", "same distribution", "stated tolerance"]
"""Of the results with a rewrite and without it.

- ``same bits``: every sample, loss and weight is the same, bit for bit
- ``same distribution``: with the same random parameters drawn, the same bits; other parameters are drawn
- ``stated tolerance``: within a tolerance that the rewrite states; such a rewrite is off unless the file asks for it
"""


@dataclass(frozen=True)
class Rewrite:
    """A rule that replaces part of a plan by a faster one of the same meaning."""

    name: str
    """The key in `data.rewrites` that turns it on or off."""
    equality: Equality
    reason: str
    """Why it is faster, for the plan that it was applied to."""
    apply: Callable[[Plan], Plan]
    """Returns the very plan that it was called with where it does not apply."""
    describe: Callable[[Plan, Plan], str]
    """In a few words, what it changed between two plans."""
