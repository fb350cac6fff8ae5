"""The command ``registry-core``: finds the subcommand, and turns errors into one message and an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from registry_core.errors import RegistryError

COMMANDS = ("train", "eval", "predict", "validate", "plan", "sample", "list", "show", "index", "whiten")

_EPILOG = """
\b
Exit codes:
  0  all went well
  2  the pipeline, its data or the command line is wrong
  3  a component is broken
  4  a checkpoint is missing or damaged
  5  the run cannot start or go on
  130, 143  interrupted (SIGINT, SIGTERM); the run can be resumed

Example: registry-core train examples/digits.yaml
"""


class _Commands(click.Group):
    """Imports a subcommand's module only when it is used, so that `list` stays as light as it is."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"registry_core.cli.{cmd_name}").command
        return command


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="registry-core")
def cli() -> None:
    """Image-training pipelines for PyTorch: declared in YAML, made of components from pip, checked before they run."""


def main() -> None:
    """Run the command line and exit with its code."""
    os.environ.setdefault(
        "PYDANTIC_DISABLE_PLUGINS", "__all__"
    )  # else pydantic loads foreign plugins into a mere check
    try:
        code = cli(prog_name="registry-core", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except RegistryError as error:
        if os.environ.get("REGISTRY_CORE_TRACEBACK"):
            raise
        print(error, file=sys.stderr)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)
