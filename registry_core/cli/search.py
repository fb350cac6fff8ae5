"""``registry-core search``: find components by words in names, summaries and parameters."""

from __future__ import annotations

import click

from registry_core.catalog import KINDS, Record, installed
from registry_core.catalog.source import parameters_of, summary_of
from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, columns, say, say_lines


@click.command(
    "search",
    short_help="Find components by words in names, summaries and parameters",
    epilog="Example: registry-core search label smoothing",
)
@click.argument("words", metavar="WORD...", nargs=-1, required=True)
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only components of this kind.")
@as_json
def command(words: tuple[str, ...], kind: str | None, as_json: bool) -> None:
    """Find components that have every WORD in their name, summary or parameters; nothing is imported.

    Matches in names come first, then in summaries, then in parameters, which are shown with their descriptions.
    """
    lowered = [word.lower() for word in words]
    found: list[tuple[int, Record, str]] = []
    for record in installed().records:
        if (kind is None or record.kind == kind) and (match := _match(record, lowered)):
            found.append((match[0], record, match[1]))
    found.sort(key=lambda each: (each[0], each[1]))
    if as_json:
        print_json([{**record._asdict(), "summary": summary_of(record), "match": text} for _, record, text in found])
    elif found:
        say_lines(columns([(record.full_name, record.origin, text) for _, record, text in found], fit=True))
    else:
        say(f"No installed component has {' and '.join(map(repr, words))}.", err=True)


def _match(record: Record, words: list[str]) -> tuple[int, str] | None:
    """The rank of a match (0: by name) and the text to show; None if a word does not occur."""
    summary = summary_of(record)
    name = record.name.lower()
    if all(word in name or word in name.replace("_", " ") for word in words):
        return 0, summary
    if all(word in f"{name} {summary}".lower() for word in words):
        return 1, summary
    parameters = {} if record.provided else parameters_of(record)
    for parameter, description in parameters.items():
        if all(word in f"{name} {summary} {parameter} {description}".lower() for word in words):
            return 2, f"{parameter}: {description}" if description else f"{parameter} ({summary})"
    return None
