"""Look up the components of the environment by kind and name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

from registry_core.catalog.kinds import KINDS
from registry_core.catalog.modules import module_file, text_of
from registry_core.catalog.policy import OWN, Policy
from registry_core.catalog.records import Finding, Plugin, Record, RefusedRecord
from registry_core.catalog.scan import Scan, scan
from registry_core.catalog.session import SessionComponent, add_to_session, session_records
from registry_core.diagnostics import NameConflict, UnknownComponent, best, closest, near

if TYPE_CHECKING:
    from importlib.metadata import Distribution

Preferences = Mapping[str, str]
"""Maps a name that several distributions claim to the one to use: ``loss/focal`` to ``acme-losses``."""


@dataclass(frozen=True)
class Catalog:
    """Every record of the environment; nothing in it has been imported."""

    records: tuple[Record, ...]
    findings: tuple[Finding, ...] = ()
    refused: tuple[RefusedRecord, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    neighbours: tuple[Finding, ...] = ()
    """Other distributions, whose malformed metadata make pydantic, torch and Python itself fail."""

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Record, ...]]:
        return {kind: tuple(record for record in self.records if record.kind == kind) for kind in KINDS}

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], list[Record]]:
        found: dict[tuple[str, str], list[Record]] = {}
        for record in self.records:
            found.setdefault((record.kind, record.name), []).append(record)
        return found

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """The records of one kind, sorted by name."""
        return self._by_kind[kind]

    def conflicts(self) -> list[list[Record]]:
        """The names that several distributions claim, each with all of its claimants."""
        return [claims for claims in self._by_name.values() if len(claims) > 1]

    def find(self, kind: str, name: str, prefer: Preferences | None = None) -> Record:
        """The one component of this kind and name; ``distribution:name`` and ``prefer`` choose among several.

        Raises UnknownComponent (near matches named) or NameConflict (all claimants named).
        """
        wanted, _, bare = name.rpartition(":")
        wanted = wanted or (prefer or {}).get(f"{kind}/{bare}", "")
        claims = self._by_name.get((kind, bare), [])
        found = [record for record in claims if wanted in ("", record.distribution)]
        if len(found) == 1:
            return found[0]
        if found:
            origins = " and ".join(record.origin for record in found)
            choices = " or ".join(repr(f"{record.distribution}:{bare}") for record in found)
            one = f"`prefer: {{{kind}/{bare}: {found[0].distribution}}}`"
            message = f"The {kind} {bare!r} is registered by {origins}."
            raise NameConflict(message, f"Write {choices}, or {one} for the whole file.")
        message = f"The {kind} {name!r} is unknown."
        if not bare:  # nothing after the colon: no distribution was named
            wanted, bare = "", wanted or name
        raise UnknownComponent(message, self._advice(kind, wanted, bare), self._closest(kind, name.rstrip(":")))

    def _closest(self, kind: str, name: str) -> str:
        if any(record.name == name for record in self.records):
            return ""  # it exists for another kind or in another distribution: not misspelt
        names = {record.name for record in self.of_kind(kind)}
        return best(_last_part(name), _likely(name, names))

    def _advice(self, kind: str, distribution: str, name: str) -> str:
        for refused in self.refused:
            if (refused.record.kind, refused.record.name) == (kind, name):
                return f"{refused.record.origin} registers it, but it cannot be used. {refused.message}"
        claims = {record.distribution for record in self._by_name.get((kind, name), [])}
        if distribution and claims:
            return f"{distribution!r} does not register it. {near(distribution, claims)}"
        others = sorted({record.kind for record in self.records if record.name == name} - {kind})
        if others:
            what = " and ".join(KINDS[other].one for other in others)
            return f"{name!r} is {what}; put {KINDS[kind].one} here."
        if not self.of_kind(kind):
            return f"No installed distribution registers components in the group {KINDS[kind].group!r}."
        names = {record.name for record in self.of_kind(kind)}
        if (last := _last_part(name)) == name:
            return near(name, names)
        if "(" in name:
            return f"Parameters are not written as in Python: `{{{last}: {{parameter: value}}}}`."
        path = "Components are named as they are registered, not by a path"
        if likely := _likely(name, names):
            return f"{path}: write {' or '.join(repr(each) for each in likely)}."
        return f"{path}. {near('', names)}"


def _last_part(name: str) -> str:
    """The name in a path or call: ``SGD`` of ``torch.optim.SGD``, ``mlp`` of ``models/mlp.py`` or ``mlp(size=8)``."""
    bare = name.partition("(")[0].removesuffix(".py")
    return re.split(r"[./\\]", bare)[-1] if not _VERSION.search(bare) else name


def _likely(name: str, names: set[str]) -> list[str]:
    """The names that are probably meant; for a path, only names with the same beginning or end."""
    last = _last_part(name)
    found = closest(last, names)
    if last == name:
        return found
    word = last.lower().replace("_", "")
    bare = {each: each.replace("_", "") for each in found}
    return [each for each in found if word.startswith(bare[each]) or bare[each].startswith(word) or each in last]


_VERSION = re.compile(r"\.v[0-9]+$")
"""A version belongs to the name: ``focal.v2``."""


_local: list[Record] = []
"""Components of modules that the user named for this process, with the option -p."""


@cache
def installed() -> Catalog:
    """The catalog of this environment, read once per process; ``refresh()`` reads it again."""
    found: Scan = scan(Policy.of_environment())
    records = tuple(sorted((*found.records, *_local, *session_records())))
    return Catalog(records, found.findings, found.refused, found.plugins, found.neighbours)


def refresh() -> Catalog:
    """Read the catalog again, as after a ``pip install`` in a running notebook."""
    installed.cache_clear()
    module_file.cache_clear()
    text_of.cache_clear()
    return installed()


def own_distribution() -> Distribution:
    """The metadata of this registry-core, also where another distribution of its name is found before it."""
    from importlib.metadata import Distribution, distribution

    location = next((plugin.location for plugin in installed().plugins if plugin.name == OWN), "")
    return Distribution.at(location) if location else distribution(OWN)


def add_local(records: Iterable[Record]) -> None:
    """Add components of a module that the user named for this process."""
    _local.extend(record for record in records if record not in _local)
    installed.cache_clear()


def add_session(component: SessionComponent) -> None:
    """Add a component that was registered in this process, replacing an earlier one of the same kind and name."""
    add_to_session(component)
    installed.cache_clear()
