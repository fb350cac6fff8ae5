"""The report of a pipeline's data, as text and as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from registry_core.config import Section
from registry_core.diagnostics.printable import printable
from registry_core.inspection.data_check.faults import KINDS, Faults, Severity

SHOWN = 5
"""The number of faults of a kind, and of sizes of a section, that are printed."""


@dataclass(frozen=True)
class SectionReport:
    """The content of a section."""

    section: Section
    dataset: str
    samples: int
    unread: int
    sizes: dict[str, int]
    """The number of images of each height and width, most frequent first."""
    types: dict[str, int]
    """The number of images of each Pillow mode or tensor type."""
    stored: dict[str, int]
    """The number of image files of each format and Pillow mode."""
    classes: dict[int, int]
    """The number of samples of each class index."""
    classes_known: int | None

    def lines(self) -> Iterator[str]:
        """The section as lines of text."""
        unread = f", {self.unread:,} of which cannot be read" if self.unread else ""
        yield f"data.{self.section}: {_many(self.samples, 'sample')} of {self.dataset}{unread}"
        if self.types or self.sizes:
            yield f"  images: {_counted(self.types)}; {_counted(self.sizes)}"
        if self.stored:
            yield f"  stored as: {_counted(self.stored)}"
        if self.classes:
            of = f" of {self.classes_known:,}" if self.classes_known else ""
            least, most = min(self.classes.values()), max(self.classes.values())
            each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            yield f"  classes: {len(self.classes):,}{of} occur, in {each} samples each"


@dataclass(frozen=True)
class Report:
    """The report of the data of a pipeline; ``print`` shows it."""

    sections: Sequence[SectionReport]
    faults: Faults
    seconds: float
    workers: int

    @property
    def exit_code(self) -> int:
        """2 if there are errors, 3 if a component is broken; 0 with remarks alone."""
        return self.faults.exit_code

    def __str__(self) -> str:
        return "\n".join(map(printable, self._lines()))

    def as_data(self) -> dict[str, Any]:
        """The report as plain data: the number of faults of each kind, and the kept ones."""
        found = self.faults
        kinds = {
            kind: {"severity": KINDS[kind].severity, "title": KINDS[kind].title, "count": found.counts[kind]}
            for severity in ("error", "remark")
            for kind in found.of(severity)
        }
        faults = [asdict(fault) for kind in kinds for fault in found.kept[kind]]
        return {
            "sections": {one.section: asdict(one) for one in self.sections},
            "errors": found.total("error"),
            "remarks": found.total("remark"),
            "kinds": kinds,
            "faults": faults,
            "seconds": round(self.seconds, 3),
            "workers": self.workers,
        }

    def _lines(self) -> Iterator[str]:
        for section in self.sections:
            yield from section.lines()
        for severity in ("error", "remark"):
            yield from self._of(severity)
        errors, remarks = self.faults.total("error"), self.faults.total("remark")
        yield f"{_many(errors, 'error')}, {_many(remarks, 'remark')}"

    def _of(self, severity: Severity) -> Iterator[str]:
        for kind in self.faults.of(severity):
            count, kept = self.faults.counts[kind], self.faults.kept[kind][:SHOWN]
            yield f"{severity}: {KINDS[kind].title}: {count:,}"
            yield from (f"  {fault}" for fault in kept)
            if count > len(kept):
                yield f"  and {count - len(kept):,} more"


def _many(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def _counted(counts: dict[str, int]) -> str:
    """The most frequent values, with their counts if there are several."""
    if len(counts) == 1:
        return next(iter(counts))
    most = Counter(counts).most_common(SHOWN)
    more = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
    return ", ".join(f"{what} ({count:,})" for what, count in most) + more
