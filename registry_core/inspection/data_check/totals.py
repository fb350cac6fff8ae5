"""The totals of a section, updated as its samples are read."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from registry_core.inspection.data_check.duplicates import SectionHashes, words_of
from registry_core.inspection.data_check.faults import Fault
from registry_core.inspection.data_check.processes import NO_LABEL, Chunk
from registry_core.inspection.data_check.sample import ImageKind, SampleReader
from registry_core.inspection.data_check.sizes import Occurrence


@dataclass
class Totals:
    """The counts of a section; each sample adds its hash and its class index, 24 bytes."""

    reader: SampleReader
    digests: bytearray = field(default_factory=bytearray)
    labels: array[int] = field(default_factory=lambda: array("q"))
    images: dict[ImageKind, Occurrence] = field(default_factory=dict)
    stored: Counter[str] = field(default_factory=Counter)
    unread: int = 0

    def add(self, chunk: Chunk) -> None:
        """Add the findings about some samples."""
        self.digests += chunk.digests
        self.labels.extend(chunk.labels)
        self.stored.update(chunk.stored)
        self.unread += sum(fault.kind in ("unreadable", "crash") for fault in chunk.faults)
        for kind, samples in chunk.images.items():
            seen = self.images.setdefault(kind, Occurrence(0, samples[0]))
            seen.count += len(samples)

    def hashed(self) -> SectionHashes:
        """The hashes and classes that are compared with other sections."""
        return SectionHashes(self.reader, words_of(self.digests), np.frombuffer(self.labels, dtype=np.int64))

    def classes(self) -> Counter[int]:
        """The number of samples of each class, without values that are no class."""
        labels = np.frombuffer(self.labels, dtype=np.int64)
        known = self.reader.targets.classes
        inside = (labels != NO_LABEL) if known is None else (labels >= 0) & (labels < known)
        numbers, counts = np.unique(labels[inside], return_counts=True)
        return Counter(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))

    def empty_classes(self) -> Iterator[Fault]:
        """One fault per class that no sample of the section has."""
        known, classes = self.reader.targets.classes, self.classes()
        if known is None or not classes:
            return
        names = self.reader.facts.class_names
        for number in range(known):
            if not classes[number]:
                named = f" ('{names[number]}')" if number < len(names) else ""
                yield Fault("empty_class", self.reader.section, f"No sample has the class {number}{named}.")
