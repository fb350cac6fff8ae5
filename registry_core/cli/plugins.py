"""``registry-core plugins``: show the distributions that register components."""

from __future__ import annotations

from typing import Any

import click

from registry_core.catalog import Catalog, Plugin, installed
from registry_core.catalog.kinds import CONTRACT
from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, columns, say_lines


@click.command(
    "plugins",
    short_help="Show the distributions that register components",
    epilog="Example: registry-core plugins --json",
)
@as_json
def command(as_json: bool) -> None:
    """Show the distributions that register components: version, number and state of components; nothing is imported."""
    catalog = installed()
    facts = [_facts(catalog, plugin) for plugin in _plugins(catalog)]
    if as_json:
        print_json(facts)
        return
    rows = [("distribution", "version", "components", "state")]
    for each in facts:
        editable = [f"editable, from {each['editable']}"] if each["editable"] else []
        rows.append((each["name"], each["version"], str(each["components"]), "; ".join([*each["states"], *editable])))
    say_lines(columns(rows))


def _plugins(catalog: Catalog) -> list[Plugin]:
    """All distributions, and the local modules of this process."""
    known = {plugin.name for plugin in catalog.plugins}
    modules = {record.distribution: record.version for record in catalog.records if record.distribution not in known}
    return [*catalog.plugins, *(Plugin(name, version, "") for name, version in modules.items())]


def _facts(catalog: Catalog, plugin: Plugin) -> dict[str, Any]:
    own = [record for record in catalog.records if record.distribution == plugin.name]
    refused = [each for each in catalog.refused if each.record.distribution == plugin.name]
    findings = [finding.message for finding in catalog.findings if finding.distribution == plugin.name]
    conflicts = [claims[0].full_name for claims in catalog.conflicts() if any(record in own for record in claims)]
    states = []
    for reason, words in (("contract", f"made for a contract other than {CONTRACT}"), ("disabled", "disabled")):
        if count := sum(each.reason == reason for each in refused):
            states.append(f"{count} {words}")
    if conflicts:
        states.append(f"names in conflict: {', '.join(conflicts)}")
    states += findings
    kinds = {kind: n for kind in sorted({r.kind for r in own}) if (n := sum(r.kind == kind for r in own))}
    return {**plugin._asdict(), "components": len(own), "kinds": kinds, "states": states or ["in order"]}
