"""``registry-core plan``: show the plan of a run and the reason for each decision."""

from __future__ import annotations

from pathlib import Path

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, overrides, pipeline_file, say_lines
from registry_core.cli.problems import tell


@click.command(
    "plan",
    short_help="Show the plan of a pipeline",
    epilog="Example: registry-core plan examples/digits.yaml --build",
)
@pipeline_file()
@overrides
@click.option(
    "--build",
    "with_build",
    is_flag=True,
    help="Also build the model: parameters, initial values, learning rates.",
)
@as_json
def command(file: Path, overrides: tuple[str, ...], with_build: bool, as_json: bool) -> None:
    """Show the plan of a pipeline: the path of a sample, steps, metrics, and every decision with its reason."""
    from registry_core.loaded import load
    from registry_core.planning.data import plan_data
    from registry_core.planning.make import make_plan

    loaded = load(file, overrides)
    tell(loaded.warnings)
    plan = make_plan(loaded)
    preview = None
    if with_build:
        from registry_core.assembly.preview import preview_of

        preview = preview_of(plan)
    if as_json:
        print_json({**plan_data(plan), **(preview.data() if preview else {})})
        return
    say_lines(str(plan))
    if preview:
        say_lines(str(preview))
