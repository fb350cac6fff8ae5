"""The faulty samples that a run skipped: told, listed in the run directory, and kept in checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.skipping import SkippedSample
from registry_core.config.models import Section
from registry_core.diagnostics.printable import warn
from registry_core.engine.record import RunDirectory

_TOLD = 3
"""At most this many samples are told on standard error if all are listed in a file."""


class SkippedSamples:
    """The skipped samples of a run, each once, in the order in which the run met them."""

    def __init__(self, loaders: Mapping[Section, Loader], directory: RunDirectory | None = None) -> None:
        """Listen to the loaders; the samples are listed in ``directory``, or only told."""
        self.tallies = {name: loader.skipped for name, loader in loaders.items() if loader.skipped is not None}
        self.directory = directory
        self.samples: list[tuple[Section, SkippedSample]] = []
        for tally in self.tallies.values():
            tally.tell = self._note

    def counts(self) -> dict[str, int]:
        """The number of skipped samples of each section that has any."""
        return dict(Counter(section for section, _ in self.samples))

    def state_dict(self) -> dict[str, Any]:
        """The samples."""
        return {"skipped_samples": _rows(self.samples)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the samples."""
        found = [dict(row) for row in state["skipped_samples"]]
        self.samples = [(row.pop("section"), SkippedSample(**row)) for row in found]
        for name, tally in self.tallies.items():
            tally.samples = {sample.index: sample for section, sample in self.samples if section == name}

    def list_anew(self) -> None:
        """Write the list of the run directory anew: what it met after the checkpoint, it will meet again."""
        if self.directory is not None:
            self.directory.list_skipped_anew(_rows(self.samples))

    def _note(self, section: Section, samples: list[SkippedSample]) -> None:
        new = [(section, sample) for sample in samples]
        before, told = len(self.samples), new
        if self.directory is not None:
            told = new[: max(0, _TOLD - before)]
        for _, sample in told:
            warn(f"warning: data.{section}[{sample.index}] is skipped: {sample.reason}")
        if self.directory is not None and before <= _TOLD < before + len(new):
            warn(f"warning: More samples are skipped, and listed in {self.directory.skipped.path}.")
        self.samples += new
        if self.directory is not None:
            for row in _rows(new):
                self.directory.skipped.append(row)


def _rows(samples: Iterable[tuple[Section, SkippedSample]]) -> list[dict[str, Any]]:
    return [{"section": section, **asdict(sample)} for section, sample in samples]
