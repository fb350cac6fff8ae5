"""``registry-core explain``: the meaning of a code, with a wrong and a right example."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import asdict

import click

from registry_core.cli import completing
from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, columns, say_lines
from registry_core.diagnostics import near
from registry_core.diagnostics.codes import CODES
from registry_core.diagnostics.explanations import Example, Explanation, by_theme, explanation

_WIDEST = 100
"""Maximum line length in characters: longer lines are hard to read."""


@click.command(
    "explain",
    short_help="Explain the code of a mistake",
    epilog="Example: registry-core explain model-input",
)
@click.argument("code", required=False, shell_complete=completing.codes)
@as_json
def command(code: str | None, as_json: bool) -> None:
    """Explain CODE, which is shown in brackets after a problem, with a wrong and a right example.

    Without CODE, all codes are listed.
    """
    if code is None:
        everything = by_theme()
        if as_json:
            print_json([asdict(each) for explained in everything.values() for each in explained])
        else:
            say_lines("\n\n".join(_listed(theme, explained) for theme, explained in everything.items()))
        return
    code = code.strip("[]")
    if code not in CODES:
        raise click.UsageError(f"The code {code!r} is unknown. {near(code, CODES)}")
    if as_json:
        print_json(asdict(explanation(code)))
    else:
        say_lines("\n".join(lines_of(explanation(code))))


def _listed(theme: str, explained: list[Explanation]) -> str:
    return f"{theme}\n{columns([(f'  {each.code}', each.title) for each in explained])}"


def lines_of(explained: Explanation) -> Iterator[str]:
    """Format an explanation as plain text, up to the width of the terminal."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    yield from textwrap.wrap(f"{explained.code}: {explained.title}", width)
    yield ""
    for number, paragraph in enumerate(explained.text.split("\n\n")):
        yield from ([""] if number else [])
        yield from textwrap.wrap(paragraph, width)
    for heading, examples in (("Wrong:", explained.wrong), ("Right:", explained.right)):
        yield from ("", heading)
        for example in examples:
            yield from ("", *_indented(example))
    if explained.see_also:
        yield ""
        more = (_place(link.text, link.target) for link in explained.see_also)
        yield from textwrap.wrap(f"See also: {'; '.join(more)}", width, break_long_words=False, break_on_hyphens=False)


def _indented(example: Example) -> list[str]:
    return textwrap.indent(example.as_shown, "    ").rstrip().splitlines()


def _place(text: str, target: str) -> str:
    """The target of a link, as text for a terminal."""
    return f"registry-core explain {target[1:]}" if target.startswith("#") else f"{text} (docs/{target})"
