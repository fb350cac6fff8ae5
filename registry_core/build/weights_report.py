"""What was loaded from a weights file and what was not, in words and as a table; and whether that may be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

from registry_core.build.tables import columns
from registry_core.build.weights import FileWeights, Fit, load_weights
from registry_core.errors import PipelineError, Problem
from registry_core.spec.finetune import Finetune

_RESULTS = ("missing", "unexpected", "wrong shape", "wrong type")


@dataclass(frozen=True)
class WeightsReport:
    """How the tensors of a file and those of a model fit; ``print`` shows what does not."""

    file: FileWeights
    fits: tuple[Fit, ...]

    def names(self, result: str) -> list[str]:
        """The names with one result: loaded, missing, unexpected, wrong shape or wrong type."""
        return [fit.name for fit in self.fits if fit.result == result]

    def first_values(self, parameters: Iterable[str]) -> dict[str, str]:
        """For each of the parameters that was loaded, where its value is from."""
        loaded = set(self.names("loaded"))
        return dict.fromkeys((name for name in parameters if name in loaded), f"finetune: {self.file.path.name}")

    def __str__(self) -> str:
        return "\n".join([*self._head(), *self._table(fit for fit in self.fits if fit.result != "loaded")])

    def table(self) -> str:
        """The report with a line for every tensor on either side."""
        return "\n".join([*self._head(), f"SHA-256 {self.file.sha256}", *self._table(self.fits)])

    def data(self) -> dict[str, Any]:
        """The report as plain data."""
        results = {result.replace(" ", "_"): self.names(result) for result in ("loaded", *_RESULTS)}
        return {"file": str(self.file.path), "sha256": self.file.sha256, "notes": list(self.file.notes), **results}

    def _head(self) -> list[str]:
        counts = Counter(fit.result for fit in self.fits)
        told = ", ".join(f"{counts[result]} {result}" for result in ("loaded", *_RESULTS) if counts[result])
        return [f"weights from {self.file.path}: {told}", *(f"  {note}" for note in self.file.notes)]

    def _table(self, fits: Iterable[Fit]) -> list[str]:
        rows = [(f.result, f.name, f.model or "-", f.file or "-", _other_name(f)) for f in fits]
        return columns([("result", "name", "model", "file", "name in the file"), *rows], "  ") if rows else []


def start_from_weights(model: nn.Module, finetune: Finetune | None) -> WeightsReport | None:
    """Load what fits of the weights that the pipeline names, if it names any.

    Raises PipelineError with every name that must fit and does not.
    """
    if finetune is None or finetune.weights is None:
        return None
    file, fits = load_weights(model, finetune)
    report = WeightsReport(file, tuple(fits))
    problems = _violations(report, finetune.strict)
    if problems:
        raise PipelineError(problems)
    return report


def _other_name(fit: Fit) -> str:
    return fit.file_name if fit.file_name != fit.name else ""


def _violations(report: WeightsReport, strict: bool | tuple[str, ...]) -> list[Problem]:
    if strict is False:
        return []
    # Files from before torch kept this count lack it; torch's own loading starts it from 0, too.
    patterns = (r".*num_batches_tracked", *(strict if isinstance(strict, tuple) else ()))
    not_allowed = [
        fit
        for fit in report.fits
        if fit.result != "loaded" and not any(re.fullmatch(pattern, fit.name) for pattern in patterns)
    ]
    unused = [
        Problem(f"{pattern!r} matches no name of the model or the file.", path=f"finetune.strict[{index - 1}]")
        for index, pattern in enumerate(patterns)
        if index and not any(re.fullmatch(pattern, fit.name) for fit in report.fits)
    ]
    if not not_allowed:
        return unused
    lines = columns([(fit.result, fit.name, _shapes(fit)) for fit in not_allowed], "  ")
    message = "The weights do not fit the model:\n" + "\n".join(lines) + "\n"
    remedy = "Rename what is called differently, and allow what may differ: strict: "
    remedy += f"[{', '.join(_patterns(not_allowed))}], or strict: false for anything."
    return [*unused, Problem(message, remedy, path="finetune.strict")]


def _shapes(fit: Fit) -> str:
    sides = (("model", fit.model), ("file", fit.file))
    return ", ".join(f"{side} {shape}" for side, shape in sides if shape)


def _patterns(fits: list[Fit]) -> list[str]:
    """A pattern for each module with something that does not fit, as a file has it."""
    modules = dict.fromkeys(fit.name.rpartition(".")[0] for fit in fits)
    shown = ["'" + (re.escape(module) + r"\..*" if module else r"[^.]*") + "'" for module in list(modules)[:6]]
    return [*shown, "…"] if len(modules) > 6 else shown
