"""Read all data of a pipeline and make the report."""

from __future__ import annotations

import time
from collections.abc import Iterator

from registry_core.assembly.building import build
from registry_core.assembly.data.reading import Reader
from registry_core.assembly.data.targets import target_check
from registry_core.components import DataFacts, Inventory
from registry_core.config import Section, Spec
from registry_core.diagnostics import RegistryError
from registry_core.inspection.data_check.duplicates import add_duplicates
from registry_core.inspection.data_check.faults import Fault, Faults
from registry_core.inspection.data_check.processes import processes_for, read_all
from registry_core.inspection.data_check.progress import ProgressDisplay
from registry_core.inspection.data_check.report import Report, SectionReport
from registry_core.inspection.data_check.sample import SampleReader
from registry_core.inspection.data_check.sizes import sides, size_faults
from registry_core.inspection.data_check.totals import Totals


def read_all_data(spec: Spec) -> Report:
    """Read every sample of every section, as a run would, in `data.workers` processes or one per CPU.

    Faults of the data are in the report, not raised.
    """
    started = time.perf_counter()
    faults = Faults()
    inventories = dict(_inventories(spec, faults))
    train = inventories["train"].facts if "train" in inventories else None
    totals = [Totals(_reader(spec, section, found, train)) for section, found in inventories.items()]
    samples = sum(len(one.reader.dataset) for one in totals)
    workers = processes_for(spec.data.workers, samples)
    with ProgressDisplay(samples) as told:
        told.read(0, [fault for kept in faults.kept.values() for fault in kept])
        for chunk in read_all([one.reader for one in totals], workers):
            faults.add(chunk.faults)
            totals[chunk.request.section].add(chunk)
            told.read(chunk.request.stop - chunk.request.start, chunk.faults)
    _add_of_sections(spec, totals, faults)
    seconds = time.perf_counter() - started
    told.ended(samples, seconds, workers)
    return Report([_section(one) for one in totals], faults, seconds, workers)


def _inventories(spec: Spec, faults: Faults) -> Iterator[tuple[Section, Inventory]]:
    """The inventory of each section; a data set that cannot be opened is a fault."""
    for section, declared in spec.data.sections().items():
        try:
            found = build(declared.dataset, declared.dataset.inventory)
        except RegistryError as error:
            faults.add([Fault("section", section, str(error), exit_code=error.exit_code)])
            continue
        faults.add(Fault("unusable", section, one.message, path=one.path) for one in found.unusable)
        faults.add(Fault("left_out", section, one.message, path=one.path) for one in found.left_out)
        if len(found.dataset) == 0:
            faults.add([Fault("section", section, f"The dataset {declared.dataset.name!r} is empty.")])
        yield section, found


def _reader(spec: Spec, section: Section, found: Inventory, train: DataFacts | None) -> SampleReader:
    reader = Reader(section, spec.data.sections()[section].dataset.name, found.dataset)
    return SampleReader(reader, found.facts, target_check(spec, found.facts, train))


def _add_of_sections(spec: Spec, totals: list[Totals], faults: Faults) -> None:
    """Add the faults that only all samples together show."""
    for one in totals:
        faults.add(size_faults(spec, one.reader, one.images))
        faults.add(one.empty_classes())
    if totals:
        add_duplicates([one.hashed() for one in totals], faults)


def _section(totals: Totals) -> SectionReport:
    reader = totals.reader
    types: dict[str, int] = {}
    for kind, seen in totals.images.items():
        types[kind.type] = types.get(kind.type, 0) + seen.count
    classes = dict(sorted(totals.classes().items()))
    known = reader.targets.classes if classes else None
    return SectionReport(
        section=reader.section,
        dataset=reader.name,
        samples=len(reader.dataset),
        unread=totals.unread,
        sizes=dict(sides(totals.images).most_common()),
        types=types,
        stored=dict(totals.stored.most_common()),
        classes=classes,
        classes_known=known,
    )
