"""Examine every installed component and distribution, and report what is wrong with each."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from registry_core.catalog import Catalog, Record
from registry_core.components.base import Component
from registry_core.components.target import load_target
from registry_core.diagnostics import BrokenComponent
from registry_core.registry.isolated import Outcome, each_isolated, here
from registry_core.registry.projects import not_installed, stale
from registry_core.registry.registries import BY_KIND

State = Literal["ok", "note", "warning", "broken"]
"""``note``: for information; ``warning``: works, but should be fixed; ``broken``: cannot be used."""


@dataclass(frozen=True)
class Examination:
    """The findings about one component, or about a distribution if ``name`` is empty."""

    distribution: str
    version: str
    component: str
    """``kind/name``, or empty."""
    state: State
    reasons: tuple[str, ...] = ()
    seconds: float | None = None
    """Import time of its declaration, after registry-core itself was imported."""
    imports_torch: bool | None = None


@dataclass(frozen=True)
class _Seen:
    """The result of importing a declaration in a separate process."""

    plain: bool
    imports_torch: bool
    broken: str
    successor: str
    successor_exists: bool


def examine(catalog: Catalog, wanted: Sequence[Record], timeout: float) -> Iterator[Examination]:
    """Examine components, each in a separate process, and then their distributions."""
    conflicts = {record: claims for claims in catalog.conflicts() for record in claims}
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:
        units = _units(wanted)
        for records, outcomes in zip(units, pool.map(lambda unit: _probe(unit, timeout), units), strict=True):
            for record, outcome in zip(records, outcomes, strict=True):
                yield _examined(record, outcome, conflicts.get(record, []))


def examine_distributions(catalog: Catalog, folder: Path) -> Iterator[Examination]:
    """Findings from metadata alone: refused components, malformed or stale metadata, projects not installed."""
    for refused in catalog.refused:
        record = refused.record
        state: State = "note" if refused.reason == "disabled" else "warning"
        yield Examination(record.distribution, record.version, record.full_name, state, (refused.message,))
    for finding in catalog.findings:
        yield Examination(finding.distribution, finding.version, "", "broken", (finding.message,))
    for finding in catalog.neighbours:
        yield Examination(finding.distribution, "", "", "warning", (finding.message,))
    for plugin in catalog.plugins:
        if reason := stale(plugin):
            yield Examination(plugin.name, plugin.version, "", "warning", (reason,))
    for reason in not_installed(folder):
        yield Examination("", "", "", "warning", (reason,))


def _units(records: Sequence[Record]) -> list[list[Record]]:
    """Records that are examined together: those of one provider; any other record alone."""
    units: list[list[Record]] = []
    for record in records:
        if record.provided and units and units[-1][0].provided and units[-1][0].target == record.target:
            units[-1].append(record)
        else:
            units.append([record])
    return units


def _probe(records: list[Record], timeout: float) -> list[Outcome[_Seen]]:
    if records[0].is_of_session:
        return [here(_see, record) for record in records]
    return list(each_isolated(_see, records, timeout=timeout))


def _see(record: Record) -> _Seen:
    """Import a declaration; runs in a separate process."""
    registry = BY_KIND[record.kind]
    try:
        declaration = registry.declaration(record)
        found = None if record.provided else load_target(record.target)
    except BrokenComponent as error:
        return _Seen(False, "torch" in sys.modules, str(error), "", True)
    plain = found is not None and not (isinstance(found, type) and issubclass(found, Component))
    successor, imports_torch = declaration.successor, "torch" in sys.modules and not record.is_of_session
    return _Seen(plain, imports_torch, "", successor, not successor or successor in registry)


def _examined(record: Record, outcome: Outcome[_Seen], claims: list[Record]) -> Examination:
    seen, reasons = outcome.value, list[str]()
    state: State = "ok"
    if outcome.printed and seen is not None:
        reasons.append(f"It prints when it is imported: {outcome.printed.splitlines()[0]!r}.")
        state = "warning"
    if claims:
        others = " and ".join(claim.origin for claim in claims if claim != record)
        reasons.append(f"{others} also registers this name. Pipelines must choose one of them.")
        state = "warning"
    if seen is not None and not seen.broken:
        if seen.imports_torch and not seen.plain:
            reasons.append(
                "Its declaration imports torch, as does every check then. Move code that needs it to the target."
            )
            state = "warning"
        if seen.successor and not seen.successor_exists:
            reasons.append(f"It is replaced by {seen.successor!r}, which does not exist.")
            state = "warning"
        if not reasons and seen.successor:
            reasons.append(f"It is deprecated: {seen.successor!r} replaces it.")
            state = "note"
        if not reasons and seen.imports_torch:
            reasons.append("It is a plain class or function: checks of pipelines that use it import torch.")
            state = "note"
    else:
        state = "broken"
        reasons.insert(0, seen.broken if seen is not None else f"Its import {outcome.failure}.")
    torch = None if seen is None else seen.imports_torch
    return Examination(
        record.distribution, record.version, record.full_name, state, tuple(reasons), outcome.seconds, torch
    )
