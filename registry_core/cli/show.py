"""``registry-core show``: what one component does and takes."""

from __future__ import annotations

import textwrap
from dataclasses import asdict

import click

from registry_core.catalog import KINDS
from registry_core.cli.options import as_json, columns, print_json

_WIDEST = 200
"""Characters of a type that still stand in the table."""


@click.command("show", epilog="Example: registry-core show loss/cross_entropy")
@click.argument("component", metavar="KIND/NAME")
@as_json
def command(component: str, as_json: bool) -> None:
    """Show a component: what it does, its parameters with types, defaults and ranges, and where it comes from."""
    from registry_core.components.describe import describe
    from registry_core.components.registries import BY_KIND
    from registry_core.errors import near

    kind, slash, name = component.partition("/")
    if not slash or kind not in KINDS:
        raise click.UsageError(f"{component!r} is not KIND/NAME. {near(kind, KINDS)}")
    described = describe(BY_KIND[kind], name)
    if as_json:
        print_json(asdict(described))
        return
    click.echo(f"{kind}/{name}  ({described.distribution} {described.version}, {described.target})\n")
    click.echo(described.documentation)
    if described.parameters:
        click.echo("\nParameters:")
    long = [p for p in described.parameters if len(p.type) > _WIDEST]
    rows = [
        (f"  {p.name}", "one of those below" if p in long else p.type, p.default, p.range, p.description)
        for p in described.parameters
    ]
    click.echo(columns(rows))
    for parameter in long:
        text = f"{parameter.name}: {parameter.type}"
        click.echo("\n" + textwrap.fill(text, 120, initial_indent="  ", subsequent_indent="    "))
    if described.needs:
        click.echo(f"\nNeeds: {', '.join(described.needs)}")
    click.echo(f"\nExample:\n  {described.example}")
