"""The inventory of a data set: all that it finds, also what it does not read and what is no usable sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from registry_core.components.facts import DataFacts


class UnusableEntry(NamedTuple):
    """An entry of the data that is no usable sample, such as a line without a label, with its file and line."""

    message: str
    path: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Inventory:
    """All samples of a data set, including the wrong ones, and the entries that are no usable samples."""

    dataset: Any
    """A built data set; reading a sample may raise."""
    facts: DataFacts
    unusable: tuple[UnusableEntry, ...] = ()
    left_out: tuple[UnusableEntry, ...] = ()
    """Image files that are not read; that is no fault of the data."""
