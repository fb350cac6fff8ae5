"""Read the entry points of all installed distributions without importing any of them.

``importlib.metadata.entry_points()`` is deliberately not used: one malformed distribution makes it raise for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from registry_core.catalog.index import UnusableIndex, read_index
from registry_core.catalog.kinds import CONTRACT, PREFIX, group_names, kind_of_plural, read_group
from registry_core.catalog.metadata import Metadata, all_metadata
from registry_core.catalog.own import belongs_here, editable_project, is_built_in
from registry_core.catalog.policy import OWN, Policy, normalised
from registry_core.catalog.records import Finding, Plugin, Record, RefusedRecord
from registry_core.diagnostics import near

_HEADER = re.compile(r"^(Name|Version):(.+)$", re.MULTILINE)
NAME = re.compile(r"[a-z][a-z0-9_]*(\.v[1-9][0-9]*)?")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


_STUMBLE = (
    "its entry_points.txt is malformed, and Python's own look-up of entry points raises for everybody. Reinstall it."
)


class Scan(NamedTuple):
    """The result of a scan, sorted: usable and refused components, faults, and the distributions they come from."""

    records: tuple[Record, ...] = ()
    refused: tuple[RefusedRecord, ...] = ()
    findings: tuple[Finding, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    neighbours: tuple[Finding, ...] = ()
    """Distributions that register nothing here, but whose malformed metadata make other libraries fail."""


class _EntryPoint(NamedTuple):
    name: str
    value: str
    group: str


@dataclass
class _Found:
    records: set[Record] = field(default_factory=set)
    refused: set[RefusedRecord] = field(default_factory=set)
    findings: set[Finding] = field(default_factory=set)
    plugins: dict[str, Plugin] = field(default_factory=dict)
    neighbours: set[Finding] = field(default_factory=set)

    def sorted(self) -> Scan:
        return Scan(
            tuple(sorted(self.records)),
            tuple(sorted(self.refused)),
            tuple(sorted(self.findings)),
            tuple(sorted(self.plugins.values())),
            tuple(sorted(self.neighbours)),
        )


def scan(policy: Policy) -> Scan:
    """Find all components of the environment under a policy, and the reasons why others cannot be used."""
    found = _Found()
    read: list[tuple[Plugin, list[_EntryPoint]]] = []
    for metadata in all_metadata():
        try:
            text = metadata.read_text("entry_points.txt")
            if PREFIX not in text:  # the common case: skip it before anything is parsed
                if _malformed(text):
                    found.neighbours.add(Finding(metadata.folder, _STUMBLE))
                continue
            entry_points = sorted(_entry_points(text))
            name, version = _name_and_version(metadata)
            plugin = Plugin(name, version, metadata.folder, editable_project(metadata.read_text("direct_url.json")))
        except Exception as error:  # one damaged distribution must not hide the others, whatever it raises
            found.findings.add(Finding(_name(metadata), f"its metadata cannot be read ({error})."))
            found.neighbours.add(Finding(metadata.folder, _STUMBLE))
            continue
        if fault := _fault_of_name(name, version):
            found.findings.add(Finding(metadata.folder, fault))
            continue
        read.append((plugin, entry_points))
    _add(found, sorted(read, key=lambda each: _rank(*each)), policy)
    for name in sorted((policy.allowed or frozenset()) - set(found.plugins)):
        message = "it is allowed by name, but registers nothing here. Check the name, or install it."
        found.findings.add(Finding(name, message))
    return found.sorted()


def _rank(plugin: Plugin, entry_points: list[_EntryPoint]) -> tuple[bool, bool]:
    """The real registry-core before others of its name, wherever they are; anything else stays in its order."""
    if plugin.name != OWN:
        return False, False
    return not belongs_here(plugin), not all(is_built_in(point.value) for point in entry_points)


def _add(found: _Found, read: Iterable[tuple[Plugin, list[_EntryPoint]]], policy: Policy) -> None:
    """Add the distributions with their components; of several with one name, the first one counts."""
    seen: dict[str, list[_EntryPoint]] = {}
    for plugin, entry_points in read:
        name = plugin.name
        if name in seen:
            if seen[name] == entry_points:  # an editable install and the build output in its project
                found.plugins[name] = plugin if plugin.editable else found.plugins[name]
            else:
                copy = "another distribution of this name" if name == OWN else "a second copy of it"
                by = "this one" if name == OWN else "the first one"
                message = f"{copy} ({plugin.version}, in {plugin.location}) is hidden by {by}."
                found.findings.add(Finding(name, message, plugin.version))
            continue
        seen[name] = entry_points
        found.plugins[name] = plugin
        for result in _read(entry_points, plugin, policy):
            _sort_in(found, result)


def _fault_of_name(name: str, version: str) -> str:
    """The fault of the name or the version of a distribution, which become parts of commands; empty without one."""
    if not _DISTRIBUTION.fullmatch(name):
        return f"its name {name!r} is not that of a distribution. Uninstall it."
    return "" if _VERSION.fullmatch(version) else f"the version {version!r} of {name} is not one. Reinstall it."


_DISTRIBUTION = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
"""The normalised names of distributions (PEP 503)."""

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
"""The versions of PEP 440, and older ones without its order."""


def _entry_points(text: str) -> Iterator[_EntryPoint]:
    """The entry points in groups of registry-core, read as Python does; ValueError if a line is not one."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"the line {line!r} is not an entry point")
            if group.startswith(PREFIX):
                yield _EntryPoint(name.strip(), value.strip(), group)


def _sort_in(found: _Found, result: Record | RefusedRecord | Finding) -> None:
    if isinstance(result, Record):
        found.records.add(result)
    elif isinstance(result, RefusedRecord):
        found.refused.add(result)
    else:
        found.findings.add(result)


def _malformed(text: str) -> bool:
    """True if Python's own reader of entry points would raise for a text."""
    lines = (line.strip() for line in text.splitlines())
    return any(line and line[0] not in "#[" and "=" not in line for line in lines)


def _read(
    entry_points: list[_EntryPoint], plugin: Plugin, policy: Policy
) -> Iterator[Record | RefusedRecord | Finding]:
    def wrong(message: str) -> Finding:
        return Finding(plugin.name, message, plugin.version)

    for point in entry_points:
        group = read_group(point.group)
        if group is None:
            advice = near(point.group, group_names())
            yield wrong(f"its entry-point group {point.group!r} is unknown. {advice}")
            continue
        kind = group.kind or kind_of_plural(point.name.partition(".")[0])
        if kind is None:
            yield wrong(f"its provider {point.name!r} is not named after a kind, such as 'models'.")
        elif group.kind is not None and not NAME.fullmatch(point.name):
            yield wrong(f"its {kind.name} {point.name!r} is not a snake_case name.")
        elif plugin.name == OWN and not is_built_in(point.value):
            yield wrong(f"its {kind.name} {point.name!r} has the target {point.value!r}, which is none of {OWN}.")
        elif not TARGET.fullmatch(point.value):
            yield wrong(f"its {kind.name} {point.name!r} has the target {point.value!r}, not module:name.")
        else:
            record = Record(kind.name, point.name, plugin.name, plugin.version, point.value, group.kind is None)
            yield from _usable(record, group.contract, policy)


def _usable(record: Record, contract: str, policy: Policy) -> Iterator[Record | RefusedRecord | Finding]:
    """The component, or all components of a provider, if the policy and the contract allow it."""
    if contract != CONTRACT:
        newer = int(contract[1:]) > int(CONTRACT[1:])
        remedy = f"Upgrade {OWN}" if newer else f"Upgrade {record.distribution}"
        message = f"It is made for contract {contract}, and this {OWN} has contract {CONTRACT}. {remedy}."
        yield RefusedRecord(record, "contract", message)
        return
    allowed = policy.allows(record.distribution)
    for each in _provided(record) if record.provided else (record,):
        if isinstance(each, Finding) or allowed:
            yield each
        else:
            yield RefusedRecord(each, "disabled", policy.refusal(each.distribution))


def _provided(provider: Record) -> Iterator[Record | Finding]:
    """All components that the index beside a provider lists."""
    try:
        entries = read_index(provider.target.partition(":")[0])
    except UnusableIndex as error:
        message = f"its provider of {provider.kind}s has no usable index: {error}"
        yield Finding(provider.distribution, message, provider.version)
        return
    for name, summary in entries:
        if NAME.fullmatch(name):
            yield Record(provider.kind, name, provider.distribution, provider.version, provider.target, True, summary)
        else:
            message = f"the index of its provider of {provider.kind}s has {name!r}, not a snake_case name."
            yield Finding(provider.distribution, message, provider.version)


def _name(metadata: Metadata) -> str:
    """The name of a distribution with damaged metadata, or its folder if the name cannot be read either."""
    try:
        return _name_and_version(metadata)[0]
    except (OSError, ValueError):  # missing, or not UTF-8
        return metadata.folder


def _name_and_version(metadata: Metadata) -> tuple[str, str]:
    """Read name and version from the header; parsing all metadata, as importlib does, is 20 times slower."""
    text = metadata.read_text("METADATA") or metadata.read_text("PKG-INFO")
    found = dict(_HEADER.findall(text.partition("\n\n")[0]))
    if "Name" not in found or "Version" not in found:
        raise ValueError("its METADATA has no name and version")
    return normalised(found["Name"].strip()), found["Version"].strip()
