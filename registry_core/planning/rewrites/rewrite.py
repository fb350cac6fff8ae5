"""A rewrite: a function from plan to plan, with its name, its reason, and the equality of the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from registry_core.planning.plan import Plan

Equality = Literal["same bits", "same distribution", "stated tolerance"]
"""The equality of the results with and without a rewrite.

- ``same bits``: every sample, loss and weight is the same, bit for bit
- ``same distribution``: the same bits for the same random parameters, but other parameters are drawn
- ``stated tolerance``: within a tolerance that the rewrite states; such a rewrite is off unless the file asks for it
"""


@dataclass(frozen=True)
class Rewrite:
    """A rule that replaces a part of a plan by a faster one with the same meaning."""

    name: str
    """The key in `data.rewrites` that turns it on or off."""
    equality: Equality
    reason: str
    """The reason why it is faster, for the printed plan."""
    apply: Callable[[Plan], Plan]
    """The function; it returns the same plan object if it does not apply."""
    describe: Callable[[Plan, Plan], str]
    """A short description of the changes from the first plan to the second."""
