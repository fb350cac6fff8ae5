"""``registry-core new-plugin``: write a new package to start from."""

from __future__ import annotations

from pathlib import Path

import click

from registry_core.catalog import KINDS
from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, as_json, say
from registry_core.diagnostics.shell_words import shell_word


@click.command(
    "new-plugin",
    short_help="Create a package with components to start from",
    epilog="Example: registry-core new-plugin acme-losses --kind loss --kind metric",
)
@click.argument("name")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Default: loss. Can be repeated.")
@click.option("--out", type=PATH, default=Path(), help="Parent of the new folder NAME; default: the current folder.")
@as_json
def command(name: str, kinds: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Create a package NAME with a working component of each KIND: declaration, torch code, tests and a pipeline.

    The components are small but complete; turn them into your own.
    """
    from registry_core.scaffold import Names, plan_project, write_project

    names = Names.of(name)
    project = plan_project(names, kinds or ("loss",))
    names.refuse_taken(project.kinds)
    folder = out / names.written
    written = write_project(project, folder)
    commands = [f"cd {shell_word(folder)}", *project.commands]
    if as_json:
        print_json(
            {
                "distribution": names.distribution,
                "package": names.package,
                "components": list(project.components),
                "folder": str(folder),
                "files": [str(path) for path in written],
                "commands": commands,
            }
        )
        return
    say(f"wrote {folder}/")
    for file in project.files:
        say(f"  {file.path}")
    say("go on with")
    for line in commands:
        say(f"  {line}")
