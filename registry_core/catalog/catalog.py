"""All components of the environment, looked up by kind and name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from registry_core.catalog.kinds import KINDS
from registry_core.catalog.records import Finding, Record
from registry_core.catalog.scan import scan
from registry_core.errors import NameConflict, UnknownComponent, near


@dataclass(frozen=True)
class Catalog:
    """Every record of the environment; nothing in it has been imported."""

    records: tuple[Record, ...]
    findings: tuple[Finding, ...] = ()

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """The records of one kind, sorted by name."""
        return tuple(record for record in self.records if record.kind == kind)

    def find(self, kind: str, name: str) -> Record:
        """The one component of this kind and name; ``distribution:name`` chooses among several.

        Raises UnknownComponent (near matches named) or NameConflict (all claimants named).
        """
        wanted, _, bare = name.rpartition(":")
        found = [r for r in self.of_kind(kind) if r.name == bare and wanted in ("", r.distribution)]
        if len(found) == 1:
            return found[0]
        if found:
            claims = " and ".join(f"{record.distribution} {record.version}" for record in found)
            choices = " or ".join(repr(f"{record.distribution}:{bare}") for record in found)
            raise NameConflict(f"The {kind} {bare!r} is registered by {claims}. Write {choices}.")
        raise UnknownComponent(f"There is no {kind} {name!r}. {self._advice(kind, wanted, bare)}")

    def _advice(self, kind: str, distribution: str, name: str) -> str:
        if distribution and any(record.name == name for record in self.of_kind(kind)):
            return near(distribution, {r.distribution for r in self.of_kind(kind) if r.name == name})
        others = sorted({record.kind for record in self.records if record.name == name})
        if others:
            return f"{name!r} is {KINDS[others[0]].one}; put {KINDS[kind].one} here."
        if not self.of_kind(kind):
            return f"No installed distribution registers components in the group {KINDS[kind].group!r}."
        return near(name, {record.name for record in self.of_kind(kind)})


@cache
def installed() -> Catalog:
    """The catalog of this environment, read once a process; ``refresh()`` reads it anew."""
    return Catalog(*scan())


def refresh() -> Catalog:
    """Read the catalog again, as after a ``pip install`` in a running notebook."""
    installed.cache_clear()
    return installed()
