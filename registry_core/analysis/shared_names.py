"""Names that an output of the model shares with an entry of the samples: what reads such a name is ambiguous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from registry_core.analysis.samples import entries_added
from registry_core.analysis.sections import SectionAnalysis
from registry_core.components.dataset import USUAL_ENTRIES
from registry_core.config.models import Section, Spec
from registry_core.diagnostics import Keys


class SharedName(NamedTuple):
    """An output of the model with the name of an entry."""

    name: str
    keys: Keys
    """The keys of the transform that adds the entry, else of the model."""
    owner: str
    """The samples that have the entry, in words."""


def shared_names(spec: Spec, sections: Mapping[Section, SectionAnalysis]) -> Iterator[SharedName]:
    """The outputs of the model that have the name of an entry; each once, at the first section that has it.

    No output may be called as the usual entries are, even where a data set does not tell its entries.
    """
    for output in spec.model.outputs:
        if output in USUAL_ENTRIES:
            yield SharedName(output, ("model",), "samples")
        elif found := [shared for each in sections.values() if (shared := _shared(output, each))]:
            yield found[0]


def _shared(output: str, section: SectionAnalysis) -> SharedName | None:
    for keys, entry in entries_added(section.declared):
        if entry == output:
            return SharedName(output, ("data", section.name, *keys), f"the samples of data.{section.name} after it")
    facts = section.facts
    if output in {*(facts.entries or ()), *facts.masks, *facts.boxes}:
        return SharedName(output, ("model",), f"the samples of data.{section.name}")
    return None
