"""``registry-core list``: list the installed components, from metadata and source text alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from registry_core.catalog import KINDS, Record, RefusedRecord, installed
from registry_core.catalog.source import summary_of
from registry_core.cli import completing
from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, columns, say, say_lines


@click.command(
    "list",
    short_help="List the installed components",
    epilog="Example: registry-core list loss --word entropy",
)
@click.argument("kind", required=False, type=click.Choice(list(KINDS)))
@click.option(
    "--dist", metavar="NAME", help="Only those of this distribution.", shell_complete=completing.distributions
)
@click.option("--word", help="Only those with this word in their name or summary.")
@as_json
def command(kind: str | None, dist: str | None, word: str | None, as_json: bool) -> None:
    """List the installed components, or those of one KIND, each with its summary; nothing is imported."""
    catalog = installed()

    def wanted(record: Record) -> bool:
        text = f"{record.name} {summary_of(record)}".lower() if word else ""
        return (
            (kind is None or record.kind == kind)
            and (dist is None or record.distribution == dist)
            and (word is None or word.lower() in text)
        )

    records = [record for record in catalog.records if wanted(record)]
    refused = [refused for refused in catalog.refused if wanted(refused.record)]
    if as_json:
        usable = [{**record._asdict(), "summary": summary_of(record), "usable": True} for record in records]
        others = [{**each.record._asdict(), "usable": False, "reason": each.message} for each in refused]
        print_json([*usable, *others])
        return
    say_lines(columns([(record.full_name, record.origin, summary_of(record)) for record in records], fit=True))
    for words in _refused(refused):
        say(f"not usable: {words}", err=True)
    for claims in catalog.conflicts():
        if claims[0] in records:
            origins = " and ".join(record.origin for record in claims)
            say(f"in conflict: {claims[0].full_name} is registered by {origins}.", err=True)
    for finding in catalog.findings:
        say(str(finding), err=True)


def _refused(refused: Sequence[RefusedRecord]) -> Iterator[str]:
    """The refused components, one line for each distribution and reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for each in refused:
        groups.setdefault((each.record.origin, each.message), []).append(each.record.full_name)
    for (origin, message), names in groups.items():
        shown = ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2:,} more"
        yield f"{shown} of {origin}. {message}"
