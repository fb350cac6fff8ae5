"""A function applied to one entry of a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from registry_core.diagnostics import DataError


class Applied:
    """Replaces an entry by what a function makes of it."""

    def __init__(self, function: Callable[[Any], Any], entry: str) -> None:
        self.function = function
        self.entry = entry

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The sample with the entry replaced."""
        if self.entry not in sample:
            has = ", ".join(map(repr, sample))
            raise DataError(f"lambda: the samples have no entry {self.entry!r}. They have: {has}.")
        return {**sample, self.entry: self.function(sample[self.entry])}
