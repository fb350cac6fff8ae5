"""What the hooks for TensorBoard share: words, sections, and those that show samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from registry_core.components import CheckFailed, Hook, RunFacts
from registry_core.diagnostics import near

if TYPE_CHECKING:
    pass

EXTRA = "registry-core[tensorboard]"
OBJECTS = "registry_builtin.objects"
EVERY = "How often it is drawn, besides once before the first step."
SECTION = "The data section whose samples are shown."
COUNT = "How many samples are shown, from sample 0 on."
Section = Literal["train", "val", "test"]


class OfSamples(Hook):
    """What has a section of the data."""

    section: Section = Field(default="val", description=SECTION)

    def check(self, facts: RunFacts) -> None:
        """Raise CheckFailed if there is no such section, sample or entry."""
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
        """The entry of a sample that it cannot do without."""
        return None
