"""``registry-core schema``: print the JSON Schema of pipeline files, of a kind, or of one component."""

from __future__ import annotations

import click

from registry_core.catalog import KINDS, installed
from registry_core.cli import completing
from registry_core.cli.json_output import print_json, reserve_stdout
from registry_core.cli.options import say, split_component, time_limit


@click.command(
    "schema",
    short_help="Print the JSON Schema of pipeline files, for editors",
    epilog="Example: registry-core schema > pipeline.schema.json",
)
@click.argument("component", metavar="[KIND[/NAME]]", required=False, shell_complete=completing.components)
@time_limit
@click.option("--json", is_flag=True, expose_value=False, help="Accepted for consistency: the schema is always JSON.")
def command(component: str | None, timeout: float) -> None:
    """Print the JSON Schema of pipeline files with all installed components, of a KIND, or of one component.

    Plugins are imported in other processes; broken ones are left out and named on standard error. For an editor, see
    README: completion, hover texts and squiggles for every component and parameter.
    """
    reserve_stdout(click.get_current_context())
    from registry_core.config import schema

    if component is None:
        described = schema.describe_all(timeout)
        made = schema.pipeline_schema(described)
    elif component in KINDS:
        described = schema.describe_needed(installed().of_kind(component), timeout)
        made = schema.kind_schema(component, described)
    else:
        record = installed().find(*split_component(component))
        described = schema.describe_needed([record], timeout)
        made = schema.component_schema(record, described)
    for left_out, why in described.broken.items():
        say(f"left out: {left_out.label}. {why}", err=True)
    if component is None:
        print_json(made, indent=None)  # for editors; people read `show`
    else:
        print_json(made)
