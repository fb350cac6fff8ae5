"""The command ``registry-core``: runs a subcommand, and turns errors into a message and an exit code."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import warnings
from importlib import import_module
from io import StringIO
from types import ModuleType
from typing import Any

import click

from registry_core.catalog import refresh
from registry_core.catalog.policy import VARIABLE
from registry_core.cli.interruption import interrupted
from registry_core.cli.streams import prepare_streams
from registry_core.diagnostics import PipelineError, RegistryError, RunError
from registry_core.diagnostics.foreign_code import is_interrupt
from registry_core.diagnostics.printable import printable_lines, warn
from registry_core.diagnostics.stop_signals import ReceivedSignal

COMMANDS = {
    "Pipelines": (
        "train",
        "eval",
        "predict",
        "verify",
        "reproduce",
        "validate",
        "explain",
        "upgrade",
        "plan",
        "sample",
    ),
    "Components": ("list", "show", "search", "schema", "plugins", "doctor"),
    "Authors": ("new-plugin", "check"),
    "Others": ("index", "whiten", "completion"),
}
"""The commands by subject, as ``--help`` shows them."""

_EPILOG = """
\b
Exit codes:
  0  success
  1  `check`, `doctor --strict` or `upgrade --check` found something, or `reproduce` a difference
  2  the pipeline, its data or the command line is wrong
  3  a component is broken
  4  a checkpoint is missing, damaged or foreign
  5  the run cannot start or continue
  130, 143  interrupted (SIGINT, SIGTERM); the run can be resumed
  129, 138, 140, 152  the same (SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU)

Example: registry-core train examples/digits.yaml
"""


class _Commands(click.Group):
    """Imports the module of a subcommand only when it is used, so that `list` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for names in COMMANDS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"registry_core.cli.{cmd_name.replace('-', '_')}").command
        if not any(parameter in command.params for parameter in PLUGIN_OPTIONS):
            command.params += PLUGIN_OPTIONS
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in COMMANDS.items():
            with formatter.section(title):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl([(name, str(found.short_help)) for name, found in commands if found])


def _allow(_: click.Context, __: click.Parameter, allowed: str | None) -> None:
    if allowed is not None:
        os.environ[VARIABLE] = allowed  # inherited by child processes
        refresh()


def _use(_: click.Context, __: click.Parameter, modules: tuple[str, ...]) -> None:
    if modules:
        from registry_core.registry.local_module import use_local_module

        for module in modules:
            use_local_module(module)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from registry_core.catalog.catalog import own_distribution

        click.echo(f"registry-core, version {own_distribution().version}")
        context.exit()


PLUGIN_OPTIONS = [
    click.Option(
        ["--plugins"],
        metavar="all|none|NAME,…",
        expose_value=False,
        is_eager=True,
        callback=_allow,
        help=f"Third-party distributions that may be used; default: the value of {VARIABLE}, else all.",
    ),
    click.Option(
        ["-p", "modules"],
        metavar="MODULE",
        multiple=True,
        expose_value=False,
        callback=_use,
        help="Add the components that a local module lists in its table REGISTRY_CORE. Can be repeated.",
    ),
]
"""Options of every command."""


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
def cli() -> None:
    """Image-training pipelines for PyTorch: declared in YAML, made of components from pip, checked before they run."""


cli.params += PLUGIN_OPTIONS  # also accepted before the command


def _leave_pydantic_alone() -> None:
    """Keep pydantic from loading its own plugins, which would run in every check, unless the user wants them.

    pydantic reads its environment variable only after it has imported importlib.metadata, which takes a tenth of the
    time of `validate`. So its loader module is replaced beforehand by one that finds no plugins.
    """
    if os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__") == "__all__":
        loader = ModuleType("pydantic.plugin._loader")
        loader.get_plugins = tuple  # type: ignore[attr-defined]  # a module created here
        sys.modules.setdefault(loader.__name__, loader)


def _escape_warnings() -> None:
    """Show Python's own warnings as all other text: they may quote what comes from elsewhere."""
    formatted = warnings.formatwarning

    def escaped(*arguments: Any, **options: Any) -> str:
        return printable_lines(formatted(*arguments, **options))

    if not hasattr(formatted, "escapes"):
        escaped.escapes = True  # type: ignore[attr-defined]  # the mark of this function
        warnings.formatwarning = escaped


def _outside(error: OSError) -> RunError:
    """The error for an unexpected failure of the operating system, such as a full disk behind standard output."""
    what = f"{str(error.filename)!r} cannot be read or written" if error.filename else "Reading or writing failed"
    return RunError(f"{what}: {error.strerror or error}.", "Choose another path, or free some space.")


def _of_plugin(error: BaseException | None) -> RegistryError | None:
    """The error to show for an exception that a plugin raised; None for Ctrl-C, and for a mistake of registry-core."""
    from registry_core.registry.blame import blamed

    return None if error is None or is_interrupt(error) else blamed(error)


def _tell(error: RegistryError) -> int:
    """Print an error, and return its exit code; one that a signal caused is not told."""
    if ReceivedSignal.value is not None:
        return interrupted()
    if isinstance(error, PipelineError) or error.place is not None:
        from registry_core.cli.problems import tell

        tell(error.problems if isinstance(error, PipelineError) else [error.problem()])
    else:
        warn(str(error))
    return error.exit_code


def _show(error: click.ClickException) -> None:
    """Print an error of the command line, which quotes its words."""
    text = StringIO()
    error.show(text)
    click.echo(printable_lines(text.getvalue()), err=True, nl=False)


def main() -> None:
    """Run the command line and exit with its code."""
    atexit.register(gc.freeze)  # skips a last garbage collection before the exit
    _leave_pydantic_alone()
    prepare_streams()
    _escape_warnings()
    try:
        code = cli(prog_name="registry-core", standalone_mode=False)
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort as aborted:
        found = _of_plugin(aborted.__cause__)  # click takes any KeyboardInterrupt or EOFError for the user's
        if found is not None:
            code = _tell(found)
        else:
            code = interrupted() if isinstance(aborted.__cause__, KeyboardInterrupt) else 130
    except click.ClickException as error:
        _show(error)
        code = error.exit_code
    except (RegistryError, OSError) as error:
        if os.environ.get("REGISTRY_CORE_TRACEBACK"):
            raise
        known = error if isinstance(error, RegistryError) else _of_plugin(error) or _outside(error)
        code = _tell(known)
    except BaseException as error:  # a plugin may raise anything, and try to exit
        found = None if os.environ.get("REGISTRY_CORE_TRACEBACK") else _of_plugin(error)
        if found is None and ReceivedSignal.value is None:
            raise
        code = interrupted() if found is None else _tell(found)
    sys.exit(code if isinstance(code, int) else 0)
