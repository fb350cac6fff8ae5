"""Faults of data: their kinds, one fault, and a collection of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from registry_core.config import Section

Severity = Literal["error", "remark"]
"""A run fails at an error, or computes nonsense; a remark is informative."""


@dataclass(frozen=True)
class Kind:
    """A kind of faults: its heading and its severity."""

    title: str
    severity: Severity


KINDS: dict[str, Kind] = {
    "section": Kind("data sets that cannot be opened", "error"),
    "unusable": Kind("entries that are no samples", "error"),
    "unreadable": Kind("samples that cannot be read", "error"),
    "crash": Kind("samples that ended the process that read them", "error"),
    "entry": Kind("samples without an entry", "error"),
    "target": Kind("targets that are wrong", "error"),
    "not_finite": Kind("values that are not finite", "error"),
    "size": Kind("sizes that do not fit", "error"),
    "leak": Kind("images of one section that are also in another", "remark"),
    "duplicate": Kind("duplicate images", "remark"),
    "contradiction": Kind("duplicate images with different labels", "remark"),
    "empty_class": Kind("classes without a sample", "remark"),
    "left_out": Kind("image files that are not read", "remark"),
    "extension": Kind("file extensions of another format", "remark"),
    "converted": Kind("images of an unusual mode, which are converted", "remark"),
    "rotation": Kind("images with an EXIF rotation that is not applied", "remark"),
    "frames": Kind("files with several images, of which the first is read", "remark"),
    "warning": Kind("warnings of the decoder", "remark"),
}
"""The kinds in the order of the report."""


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, the section, the message, and the sample with its origin, if it concerns one."""

    kind: str
    section: Section
    message: str
    index: int | None = None
    where: str = ""
    """The origin of the sample, in words."""
    path: str = ""
    exit_code: int = 2
    """3 where a component is broken."""
    names_sample: bool = False
    """True if the message names the origin of the sample itself, as errors of data sets do."""

    @property
    def severity(self) -> Severity:
        """Error or remark."""
        return KINDS[self.kind].severity

    def __str__(self) -> str:
        number = "" if self.index is None else f"[{self.index}]"
        where = f", {self.where}" if self.where and not self.names_sample else ""
        return f"data.{self.section}{number}{where}: {self.message}"


@dataclass
class Faults:
    """All faults by kind, counted; a limited number of each kind is kept."""

    kept_per_kind: int = 10_000
    kept: dict[str, list[Fault]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    exit_code: int = 0

    def add(self, faults: Iterable[Fault]) -> None:
        """Add faults."""
        for fault in faults:
            self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
            kept = self.kept.setdefault(fault.kind, [])
            if len(kept) < self.kept_per_kind:
                kept.append(fault)
            if fault.severity == "error":
                self.exit_code = max(self.exit_code, fault.exit_code)

    def count_more(self, kind: str, count: int) -> None:
        """Count faults that are not kept, because the limit of their kind is reached."""
        self.counts[kind] = self.counts.get(kind, 0) + count

    def of(self, severity: Severity) -> Iterator[str]:
        """The kinds of a severity that occur, in the order of the report."""
        return (kind for kind, about in KINDS.items() if about.severity == severity and kind in self.counts)

    def total(self, severity: Severity) -> int:
        """The number of faults of a severity."""
        return sum(self.counts[kind] for kind in self.of(severity))
