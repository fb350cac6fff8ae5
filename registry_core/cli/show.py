"""``registry-core show``: show the documentation and the parameters of one component."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from registry_core.cli import completing
from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, columns, say, say_lines, split_component

if TYPE_CHECKING:
    from registry_core.registry.describe import Parameter

_WIDEST = 200
"""Maximum length of a type inside the table, in characters."""


@click.command(
    "show",
    short_help="Show a component",
    epilog="Example: registry-core show loss/cross_entropy",
)
@click.argument("component", metavar="KIND/NAME", shell_complete=completing.components)
@as_json
def command(component: str, as_json: bool) -> None:
    """Show a component: documentation, inputs, outputs, parameters with defaults and ranges, and origin.

    For a plain class or function, the parameters are those of its signature.
    """
    from registry_core.registry.describe import describe
    from registry_core.registry.registries import BY_KIND

    kind, name = split_component(component)
    described = describe(BY_KIND[kind], name)
    if as_json:
        print_json(asdict(described))
        return
    origin = f"{described.distribution} {described.version}".strip()
    say(f"{kind}/{described.name}  ({origin}, {described.target})")
    if described.location:
        say(f"written in {described.location}")
    say_lines(f"\n{described.documentation}")
    if described.successor:
        say("")
        say(f"Deprecated: use {kind}/{described.successor}.")
    _print_parameters(described.parameters)
    facts = [(f"  {about}", text) for about, text in described.characteristics]
    if facts:
        say_lines(f"\n{columns(facts)}")
    if described.requirements:
        say("")
        say(f"Needs: {', '.join(described.requirements)}")
    say_lines("\nExample:")
    say(f"  {described.example}")


def _print_parameters(parameters: Sequence[Parameter]) -> None:
    if parameters:
        say_lines("\nParameters:")
    long = [p for p in parameters if len(p.type) > _WIDEST]
    rows = [
        (f"  {p.name}", "see below" if p in long else p.type, p.default, p.range, p.description) for p in parameters
    ]
    say_lines(columns(rows))
    for parameter in long:
        text = f"{parameter.name}: {parameter.type}"
        say_lines("\n" + textwrap.fill(text, 120, initial_indent="  ", subsequent_indent="    "))
