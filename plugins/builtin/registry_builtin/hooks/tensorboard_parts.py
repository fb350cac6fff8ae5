"""Descriptions and bases that the TensorBoard hooks share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from registry_core.components import CheckFailed, Hook, RunFacts
from registry_core.diagnostics import near

if TYPE_CHECKING:
    pass

EXTRA = "registry-core[tensorboard]"
OBJECTS = "registry_builtin.objects"
EVERY = "Interval between plots, in addition to one before the first step."
SECTION = "Data section whose samples are shown."
COUNT = "Number of samples to show, from sample 0 on."
Section = Literal["train", "val", "test"]


class OfSamples(Hook):
    """Base of hooks that show samples of a section of the data."""

    section: Section = Field(default="val", description=SECTION)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if the section, sample or entry does not exist."""
        if self.section not in facts.sections:
            message = f"The hook {self.name!r} shows data.{self.section}, which this pipeline does not have."
            raise CheckFailed(message, f"Set section to {' or '.join(facts.sections)}.")
        length, index = facts.sections[self.section].length, getattr(self, "index", 0)
        if length is not None and index >= length:
            message = f"The hook {self.name!r} shows sample {index}, but data.{self.section} has {length} samples."
            raise CheckFailed(message, f"Set index to less than {length}.")
        entries, wanted = facts.sections[self.section].entries, self._entry()
        if entries is not None and wanted is not None and wanted not in entries:
            message = f"The hook {self.name!r} shows the entry {wanted!r}, which data.{self.section} does not have."
            raise CheckFailed(message, near(wanted, entries))

    def _entry(self) -> str | None:
        """Return the entry of a sample that the hook requires."""
        return None
