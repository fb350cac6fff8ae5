"""The inputs of a model, a loss or a metric: entries of a batch and outputs of the model, read by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class MissingEntry(KeyError):
    """A batch lacks an input of a model, a loss or a metric."""

    def __init__(self, kind: str, reader: str, entry: str, known: tuple[str, ...]) -> None:
        super().__init__(entry)
        self.kind = kind
        """The kind of the component that reads it."""
        self.reader = reader
        """The name of that component, of a metric the one in logs."""
        self.entry = entry
        self.known = known
        """The entries and outputs that are there."""


def inputs_of(kind: str, name: str, inputs: Sequence[str], values: Mapping[str, Any]) -> list[Any]:
    """The values that a component reads, in order. Raises MissingEntry for the first that is not there."""
    try:
        return [values[entry] for entry in inputs]
    except KeyError:
        missing = next(entry for entry in inputs if entry not in values)
        raise MissingEntry(kind, name, missing, tuple(values)) from None
