"""The steps of a run: where it ends, and where it evaluates because it ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunLength:
    """The optimizer steps of a run, or of the repeat of one that was cut short or extended."""

    total: int
    """The steps of its pipeline; the last one is evaluated."""
    until: int | None = None
    """The step at which a repeat ends, as an interruption would end it; None: at the last one."""
    ends: frozenset[int] = frozenset()
    """Further steps that were the last ones, until the run was extended."""

    def is_last(self, step: int) -> bool:
        """True for a step that is evaluated because the run ends, or ended, there."""
        return step >= self.total or step in self.ends

    def is_done(self, step: int) -> bool:
        """True if no step follows."""
        return step >= self.total or (self.until is not None and step >= self.until)
