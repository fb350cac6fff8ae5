"""The report of a weights file: loaded and other tensors, as text and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from registry_core.analysis.tensor_matches import TensorMatch
from registry_core.assembly.model.weights import FileWeights, load_weights
from registry_core.config.finetune import Finetune
from registry_core.diagnostics.printable import printable
from registry_core.diagnostics.tables import columns

_RESULTS = ("missing", "unexpected", "wrong shape", "wrong type")


@dataclass(frozen=True)
class WeightsReport:
    """The matches of the tensors of a file and a model; ``print`` shows those that do not fit."""

    file: FileWeights
    fits: tuple[TensorMatch, ...]

    def names(self, result: str) -> list[str]:
        """The names with one result: loaded, missing, unexpected, wrong shape or wrong type."""
        return [fit.name for fit in self.fits if fit.result == result]

    def first_values(self, parameters: Iterable[str]) -> dict[str, str]:
        """The source of the value of each loaded parameter."""
        loaded = set(self.names("loaded"))
        return dict.fromkeys((name for name in parameters if name in loaded), f"finetune: {self.file.path.name}")

    def __str__(self) -> str:
        lines = [*self._head(), *self._table(fit for fit in self.fits if fit.result != "loaded")]
        return "\n".join(map(printable, lines))

    def table(self) -> str:
        """The report with a line for every tensor of file and model."""
        lines = [*self._head(), f"SHA-256 {self.file.sha256}", *self._table(self.fits)]
        return "\n".join(map(printable, lines))

    def data(self) -> dict[str, Any]:
        """The report as plain data."""
        results = {result.replace(" ", "_"): self.names(result) for result in ("loaded", *_RESULTS)}
        return {"file": str(self.file.path), "sha256": self.file.sha256, "notes": list(self.file.notes), **results}

    def _head(self) -> list[str]:
        counts = Counter(fit.result for fit in self.fits)
        told = ", ".join(f"{counts[result]} {result}" for result in ("loaded", *_RESULTS) if counts[result])
        return [f"weights from {self.file.path}: {told}", *(f"  {note}" for note in self.file.notes)]

    def _table(self, fits: Iterable[TensorMatch]) -> list[str]:
        rows = [(f.result, f.name, f.model or "-", f.file or "-", _other_name(f)) for f in fits]
        return columns([("result", "name", "model", "file", "name in the file"), *rows], "  ") if rows else []


def start_from_weights(model: nn.Module, finetune: Finetune | None) -> WeightsReport | None:
    """Load the fitting tensors of the weights that the pipeline names, if it names any.

    Raises PipelineError with every name that must fit but does not.
    """
    if finetune is None or finetune.weights is None:
        return None
    file, fits = load_weights(model, finetune)
    return WeightsReport(file, fits)


def _other_name(fit: TensorMatch) -> str:
    return fit.file_name if fit.file_name != fit.name else ""
