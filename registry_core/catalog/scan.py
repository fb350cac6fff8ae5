"""Read the entry points of all installed distributions, importing none of them.

``importlib.metadata.entry_points()`` is not used on purpose: one malformed neighbour makes it raise for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint, distributions

from registry_core.catalog.kinds import CONTRACT, GROUPS, PREFIX
from registry_core.catalog.records import Finding, Record

NAME = re.compile(r"[a-z][a-z0-9_]*(\.v[1-9][0-9]*)?")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def scan() -> tuple[tuple[Record, ...], tuple[Finding, ...]]:
    """All components of the environment, sorted, and what stood in the way of others."""
    records: list[Record] = []
    findings: list[Finding] = []
    seen: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        try:
            entry_points = _our_entry_points(distribution)
            if not entry_points:
                continue
            name = _normalised(distribution.metadata["Name"])
            version = distribution.version
        except Exception as error:  # a damaged neighbour must not hide the others, whatever it raises
            findings.append(Finding(_folder(distribution), f"its metadata cannot be read ({error})."))
            continue
        if name in seen:  # importlib.metadata too lets the first one on sys.path win
            if seen[name] == entry_points:  # an editable install beside its own build folder: no harm
                continue
            findings.append(Finding(name, f"a second copy of it ({version}) lies later on sys.path and is not used."))
            continue
        seen[name] = entry_points
        for result in _read(entry_points, name, version):
            (records if isinstance(result, Record) else findings).append(result)  # type: ignore[arg-type]  # mypy joins the two lists to list[object]
    return tuple(sorted(set(records))), tuple(sorted(findings))


def _our_entry_points(distribution: Distribution) -> list[EntryPoint]:
    text = distribution.read_text("entry_points.txt")
    if not text or PREFIX not in text:  # the common case: skip before anything is parsed
        return []
    return sorted(point for point in distribution.entry_points if point.group.startswith(PREFIX))


def _read(entry_points: list[EntryPoint], distribution: str, version: str) -> Iterator[Record | Finding]:
    for point in entry_points:
        kind = GROUPS.get(point.group)
        if kind is None:
            known = f"registry-core knows the groups of contract {CONTRACT}"
            yield Finding(distribution, f"its entry-point group {point.group!r} is unknown; {known}.")
        elif not NAME.fullmatch(point.name):
            yield Finding(distribution, f"its {kind.name} {point.name!r} is not a snake_case name.")
        elif not TARGET.fullmatch(point.value):
            yield Finding(
                distribution, f"its {kind.name} {point.name!r} has the target {point.value!r}, not module:name."
            )
        else:
            yield Record(kind.name, point.name, distribution, version, point.value)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _folder(distribution: Distribution) -> str:
    return str(getattr(distribution, "_path", "a distribution"))
