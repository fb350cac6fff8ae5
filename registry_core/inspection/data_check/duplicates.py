"""Find duplicate images, in one section or in two, by the hashes of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry_core.inspection.data_check.faults import Fault, Faults
from registry_core.inspection.data_check.processes import NO_LABEL
from registry_core.inspection.data_check.sample import SampleReader


@dataclass(frozen=True)
class SectionHashes:
    """The hashes of a section, two words per sample, both 0 for unreadable ones, and its class indices."""

    reader: SampleReader
    words: NDArray[np.uint64]
    labels: NDArray[np.int64]


def add_duplicates(sections: Sequence[SectionHashes], faults: Faults) -> None:
    """Add the duplicates, each compared with the first image of the same pixels, in `train` if it is there."""
    words = np.concatenate([one.words for one in sections])
    labels = np.concatenate([one.labels for one in sections])
    numbers = np.repeat(np.arange(len(sections)), [len(one.words) for one in sections])
    indices = np.concatenate([np.arange(len(one.words)) for one in sections])
    later, first = _pairs(words)
    inside = numbers[later] == numbers[first]
    with_class = (labels[later] != NO_LABEL) & (labels[first] != NO_LABEL)
    for kind, chosen in (
        ("leak", ~inside),
        ("duplicate", inside),
        ("contradiction", with_class & (labels[later] != labels[first])),
    ):
        places = np.flatnonzero(chosen)
        kept = places[: faults.kept_per_kind]
        for place in kept:
            a, b = later[place], first[place]
            twin = Twin(sections[numbers[a]], int(indices[a]), sections[numbers[b]], int(indices[b]))
            faults.add([twin.fault(kind)])
        if len(places) > len(kept):
            faults.count_more(kind, len(places) - len(kept))


@dataclass(frozen=True)
class Twin:
    """A sample, and an earlier one with the same pixels."""

    section: SectionHashes
    index: int
    other: SectionHashes
    earlier: int

    def fault(self, kind: str) -> Fault:
        """The message about a pair."""
        named = self.other.reader.fault(kind, "", self.earlier)
        known = f" ({named.where})" if named.where else ""
        other = f"data.{named.section}[{self.earlier}]{known}"
        message = f"It is the same image as {other}."
        if kind == "contradiction":
            labels = int(self.section.labels[self.index]), int(self.other.labels[self.earlier])
            message = f"Its class is {labels[0]}, but that of the same image {other} is {labels[1]}."
        return self.section.reader.fault(kind, message, self.index)


def _pairs(words: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of all repetitions, each with the position of its first occurrence; in order."""
    order = np.lexsort((words[:, 1], words[:, 0]))  # stable: the first occurrence stays first
    order = order[words[order].any(axis=1)]
    if not len(order):
        return order, order
    ordered = words[order]
    begins = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    first = order[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    places = np.argsort(order[~begins], kind="stable")
    return order[~begins][places], first[~begins][places]


def words_of(digests: bytes | bytearray) -> NDArray[np.uint64]:
    """The digests of samples as two words each."""
    return np.frombuffer(bytes(digests), dtype="<u8").reshape(-1, 2)
