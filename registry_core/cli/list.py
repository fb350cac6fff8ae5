"""``registry-core list``: which components there are, from metadata alone."""

from __future__ import annotations

from dataclasses import asdict

import click

from registry_core.catalog import KINDS, installed
from registry_core.cli.options import as_json, columns, print_json


@click.command("list", epilog="Example: registry-core list transform")
@click.argument("kind", required=False, type=click.Choice(list(KINDS)))
@as_json
def command(kind: str | None, as_json: bool) -> None:
    """List the installed components, or those of one KIND; nothing is imported."""
    catalog = installed()
    records = catalog.of_kind(kind) if kind else catalog.records
    if as_json:
        print_json([asdict(record) for record in records])
        return
    click.echo(
        columns([(f"{record.kind}/{record.name}", f"{record.distribution} {record.version}") for record in records])
    )
    for finding in catalog.findings:
        click.echo(f"{finding.distribution}: {finding.message}", err=True)
