"""Function applied to one entry of a sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from registry_core.diagnostics import DataError


class Applied:
    """Replaces an entry by the result of a function."""

    def __init__(self, function: Callable[[Any], Any], entry: str) -> None:
        self.function = function
        self.entry = entry

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sample with the entry replaced."""
        if self.entry not in sample:
            has = ", ".join(map(repr, sample))
            raise DataError(
                f"lambda: the samples have no entry {self.entry!r}, only {has}.", "Set entry to one of them."
            )
        return {**sample, self.entry: self.function(sample[self.entry])}
