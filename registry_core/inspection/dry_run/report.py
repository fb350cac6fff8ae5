"""The report of a dry run: shapes, losses, memory, the disk space of checkpoints, and problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from registry_core.diagnostics import Problem
from registry_core.diagnostics.printable import printable
from registry_core.diagnostics.tables import columns
from registry_core.engine.calls import written
from registry_core.engine.disk import DiskNeed
from registry_core.engine.memory import written_bytes


@dataclass(frozen=True)
class ModelPart:
    """A part of the model: its name, its class, and its output (None: it was not called)."""

    name: str
    type: str
    gives: Any


@dataclass
class SectionFacts:
    """One batch of a section: its entries, the outputs of the model, the mean loss per sample, and metrics."""

    samples: int
    entries: dict[str, Any] = field(default_factory=dict)
    loss: float | None = None
    """None: unknown, as on the meta device."""
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Memory:
    """The memory of a training step in bytes, by content; each storage is counted once."""

    rows: dict[str, int]
    num_parameters: int
    """The number of values of all parameters."""
    peak: int | None
    """The peak memory that torch allocated on the device; None: it is not CUDA."""

    @property
    def total(self) -> int:
        """The sum in bytes."""
        return sum(self.rows.values())


@dataclass
class DryRun:
    """The results of one batch of every section; ``print`` shows them."""

    device: str
    precision: str
    sections: dict[str, SectionFacts] = field(default_factory=dict)
    layers: list[ModelPart] = field(default_factory=list)
    memory: Memory | None = None
    disk: DiskNeed | None = None
    without_gradient: list[str] = field(default_factory=list)
    """Trainable parameters that got no gradient."""
    not_finite: list[str] = field(default_factory=list)
    """Parameters with a gradient that is not finite."""
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(map(printable, self._lines()))

    def data(self) -> dict[str, Any]:
        """The report as plain data, without problems and warnings."""
        return {
            "device": self.device,
            "precision": self.precision,
            "sections": {
                name: {"samples": facts.samples, "entries": facts.entries, "loss": facts.loss, "metrics": facts.metrics}
                for name, facts in self.sections.items()
            },
            "parts": [{"name": part.name, "type": part.type, "gives": part.gives} for part in self.layers],
            "memory": self._memory_data(),
            "checkpoints": self._disk_data(),
            "parameters_without_gradient": self.without_gradient,
            "gradients_not_finite": self.not_finite,
        }

    def _memory_data(self) -> dict[str, Any] | None:
        if self.memory is None:
            return None
        rows = {name.replace(" ", "_"): size for name, size in self.memory.rows.items()}
        return {
            **rows,
            "total": self.memory.total,
            "device_peak": self.memory.peak,
            "numbers": self.memory.num_parameters,
        }

    def _disk_data(self) -> dict[str, Any] | None:
        need = self.disk
        if need is None:
            return None
        facts = {"folder": str(need.folder), "checkpoint": need.checkpoint, "copies": need.copies}
        return {**facts, "total": need.bytes, "free": need.free, "exact": need.is_exact}

    def _lines(self) -> Iterator[str]:
        yield f"one batch of {', '.join(self.sections)} on {self.device}, {self.precision}"
        for name, facts in self.sections.items():
            rows = [(entry, written(shape)) for entry, shape in facts.entries.items()]
            yield f"{name}: {_measured(facts)}"
            yield from columns(rows, "  ") if rows else []
        if self.layers:
            yield "parts of the model"
            given = [(p.name, p.type, "not called" if p.gives is None else written(p.gives)) for p in self.layers]
            yield from columns(given, "  ")
        if self.memory is not None:
            yield "memory of a training step"
            yield from columns(self._memory_rows(self.memory), "  ")
        if self.disk is not None:
            yield f"checkpoints: {self.disk}"

    def _memory_rows(self, memory: Memory) -> Iterator[tuple[str, str]]:
        for name, size in memory.rows.items():
            if not size:
                continue
            also = f", {memory.num_parameters:,} values" if name == "parameters" else ""
            yield name, f"{written_bytes(size)}{also}"
        yield "total", written_bytes(memory.total)
        if memory.peak is not None:
            yield "peak of the device", written_bytes(memory.peak)


def _measured(facts: SectionFacts) -> str:
    told = [f"{facts.samples} samples"]
    if facts.loss is not None:
        told.append(f"loss {facts.loss:.4g}")
    return ", ".join([*told, *(f"{name} {value:.4g}" for name, value in facts.metrics.items())])
