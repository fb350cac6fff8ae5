"""What the shell offers behind a command: names of components, of distributions, and pipeline files."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from registry_core.catalog import KINDS, installed
from registry_core.catalog.source import summary_of

_ENDINGS = (".yaml", ".yml", ".json")


def components(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Kinds at first, as ``loss/``; behind the slash the names of that kind."""
    kind, slash, name = incomplete.partition("/")
    if not slash:
        return [CompletionItem(f"{each}/", help=f"a {each}") for each in KINDS if each.startswith(kind)]
    if kind not in KINDS:
        return []
    records = [record for record in installed().of_kind(kind) if record.name.startswith(name)]
    return [CompletionItem(record.full_name, help=summary_of(record)) for record in records]


def distributions(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the distributions that register components."""
    return [CompletionItem(p.name, help=p.version) for p in installed().plugins if p.name.startswith(incomplete)]


def distributions_or_components(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Both: what `check` and `doctor` take."""
    return [*distributions(context, parameter, incomplete), *components(context, parameter, incomplete)]


def pipeline_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """YAML and JSON files, and folders on the way to some."""
    start = Path(incomplete)
    folder, beginning = (start, "") if incomplete.endswith("/") or not incomplete else (start.parent, start.name)
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(beginning) and not (path.name.startswith(".") and not beginning):
            if path.is_dir():
                found.append(CompletionItem(f"{path}/"))
            elif path.suffix in _ENDINGS:
                found.append(CompletionItem(str(path)))
    return found
