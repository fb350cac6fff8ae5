"""Shell completion of arguments: names of components and distributions, codes of mistakes, pipeline files."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from registry_core.catalog import KINDS, installed
from registry_core.catalog.source import summary_of
from registry_core.diagnostics.printable import printable

_ENDINGS = (".yaml", ".yml", ".json")


def components(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete kinds, as ``loss/``; after the slash, or if only one kind matches, the names of that kind.

    A kind is never the only completion: the shell would add a space after it.
    """
    kind, slash, name = incomplete.partition("/")
    kinds = [each for each in KINDS if each == kind or (not slash and each.startswith(kind))]
    if len(kinds) > 1:
        return [CompletionItem(f"{each}/", help=KINDS[each].one) for each in kinds]
    records = [record for each in kinds for record in installed().of_kind(each) if record.name.startswith(name)]
    return [CompletionItem(record.full_name, help=printable(summary_of(record))) for record in records]


def distributions(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of distributions that register components."""
    found = [plugin for plugin in installed().plugins if plugin.name.startswith(incomplete)]
    return [CompletionItem(plugin.name, help=printable(plugin.version)) for plugin in found]


def distributions_or_components(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete components and distributions, the arguments of `check` and `doctor`."""
    return [*distributions(context, parameter, incomplete), *components(context, parameter, incomplete)]


def codes(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the codes of mistakes, each with its title."""
    from registry_core.diagnostics.codes import CODES
    from registry_core.diagnostics.explanations import explanation

    return [CompletionItem(code, help=explanation(code).title) for code in CODES if code.startswith(incomplete)]


def pipeline_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete YAML and JSON files and folders that contain some; if only one folder matches, its content."""
    found = _paths(incomplete)
    while len(found) == 1 and found[0].endswith("/"):
        found = _paths(found[0])
    return [CompletionItem(path) for path in found if path.isprintable()]  # the others would act on the terminal


def _paths(incomplete: str) -> list[str]:
    start = Path(incomplete)
    folder, beginning = (start, "") if incomplete.endswith("/") or not incomplete else (start.parent, start.name)
    if not folder.is_dir():
        return []
    paths = [path for path in sorted(folder.iterdir()) if path.name.startswith(beginning)]
    shown = [path for path in paths if beginning.startswith(".") or not path.name.startswith(".")]
    return [f"{path}/" if path.is_dir() else str(path) for path in shown if path.is_dir() or path.suffix in _ENDINGS]
