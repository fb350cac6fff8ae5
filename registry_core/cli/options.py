"""Arguments, options and output that several commands share."""

from __future__ import annotations

import errno
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from registry_core.catalog import KINDS, Record, installed
from registry_core.cli import completing
from registry_core.cli.json_output import reserve_stdout
from registry_core.diagnostics import STDIN, UnknownComponent, format_value, near, tables
from registry_core.diagnostics.printable import printable, printable_lines

F = TypeVar("F", bound=Callable[..., Any])


class _PathType(click.Path):
    """Valid paths: a path that the operating system would reject later is a usage error."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        try:
            os.lstat(path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                self.fail(f"{format_value(str(path))}: {error.strerror}.", param, ctx)
        return path


class FiniteRange(click.FloatRange):
    """Numbers in a range; ``nan`` is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error if it is not finite, or outside of the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


PATH = _PathType()
"""The type of arguments and options that name a file or folder, which need not exist."""


class _PipelineType(_PathType):
    """The path of a pipeline file; ``-`` is standard input."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return STDIN if value == "-" else super().convert(value, param, ctx)


PIPELINE = _PipelineType()
"""The type of arguments that name a pipeline file."""


def as_json(command: F) -> F:
    """The option ``--json`` of commands that print facts."""
    text = "Print JSON for programs instead of text."
    return click.option("--json", "as_json", is_flag=True, is_eager=True, callback=_reserve, help=text)(command)


def _reserve(context: click.Context, _: click.Parameter, as_json: bool) -> bool:
    if as_json:
        reserve_stdout(context)
    return as_json


def overrides(command: F) -> F:
    """The option ``--set KEY=VALUE`` of commands that load a pipeline file."""
    text = "Override one value, such as train.epochs=3, add to a list (hooks+=progress), insert into it "
    text += "(hooks.+0=progress), or delete (optim.scheduler-=). Can be repeated."
    return click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help=text)(command)


def pipeline_file(required: bool = True) -> Callable[[F], F]:
    """The argument FILE of commands that load a pipeline file."""
    return click.argument("file", required=required, type=PIPELINE, shell_complete=completing.pipeline_files)


def pipeline_files(command: F) -> F:
    """The arguments FILE... of commands that load several files."""
    complete = completing.pipeline_files
    settings: Any = {"nargs": -1, "required": True, "type": PIPELINE, "shell_complete": complete}
    return click.argument("files", metavar="FILE...", **settings)(command)


def distributions_or_components(required: bool) -> Callable[[F], F]:
    """The arguments DIST or KIND/NAME of commands that examine what is installed."""
    words = "DIST|KIND/NAME..." if required else "[DIST|KIND/NAME]..."
    complete = completing.distributions_or_components
    return click.argument("wanted", metavar=words, nargs=-1, required=required, shell_complete=complete)


def time_limit(command: F) -> F:
    """The option ``--timeout`` of commands that import installed components."""
    limit = FiniteRange(min=0.1, max=86_400)
    text = "Time limit for the import of a component, in seconds."
    return click.option("--timeout", default=60.0, show_default=True, type=limit, help=text)(command)


def component_records(wanted: Iterable[str]) -> list[Record]:
    """The records that match the words ``KIND/NAME`` or names of distributions; all records without any words.

    Raises UnknownComponent, with near matches, for an unknown word.
    """
    catalog = installed()
    words = list(wanted)
    if not words:
        return list(catalog.records)
    found: list[Record] = []
    for word in words:
        if "/" in word:
            kind, name = split_component(word)
            claims = [record for record in catalog.of_kind(kind) if record.name == name]
            found += claims or [catalog.find(kind, name)]
            continue
        own = [record for record in catalog.records if record.distribution == word]
        if not own:
            known = sorted({record.distribution for record in catalog.records})
            raise UnknownComponent(f"No distribution {word!r} registers components here.", near(word, known))
        found += own
    return list(dict.fromkeys(found))


def split_component(text: str) -> tuple[str, str]:
    """Parse ``KIND/NAME``; anything else is a usage error with near matches."""
    kind, slash, name = text.partition("/")
    if not slash or kind not in KINDS:
        raise click.UsageError(f"{text!r} is not KIND/NAME. {near(kind, KINDS)}")
    return kind, name


def say(line: str, *, err: bool = False) -> None:
    """Print one line; whatever is not printable is escaped, because parts of it come from elsewhere."""
    click.echo(printable(line), err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Print a text of several lines, such as a table or documentation, in the same way."""
    click.echo(printable_lines(text), err=err)


def columns(rows: Sequence[tuple[str, ...]], *, fit: bool = False) -> str:
    """Format rows as text with aligned columns; with ``fit``, lines are cut at the width of the terminal."""
    lines = tables.columns(rows)
    if fit and sys.stdout.isatty():
        wide = shutil.get_terminal_size().columns
        lines = [line if len(line) <= wide else f"{line[: wide - 1]}…" for line in lines]
    return "\n".join(lines)
