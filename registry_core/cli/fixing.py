"""Correct pipeline files in place: what is certain at once, what is likely after a question."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

import click

from registry_core.config.text.fixes import applicable, corrected
from registry_core.config.text.tree import read_text, text_of_file
from registry_core.diagnostics import Fix, PipelineError, Problem


def fix_files(problems: Sequence[Problem], *, yes: bool, refused: set[Fix]) -> int:
    """Correct the files that problems stand in, and tell each change; how many there were.

    Likely corrections are asked for, unless ``yes``; those that are declined are put into ``refused``.
    """
    sources = {fix.place.source for problem in problems if (fix := problem.fix)}
    return sum(_fix_file(Path(source), problems, yes, refused) for source in sorted(sources))


def _fix_file(path: Path, problems: Sequence[Problem], yes: bool, refused: set[Fix]) -> int:
    text = text_of_file(path)
    chosen = []
    for fix in applicable(problems, text, str(path)):
        if fix in refused:
            continue
        if fix.certain or yes or _confirmed(fix):
            chosen.append(fix)
        else:
            refused.add(fix)
    new = corrected(text, chosen)
    try:
        read_text(new, str(path))
    except PipelineError:  # never make a file worse
        return 0
    if chosen:
        rewrite(path, new)
    for fix in chosen:
        click.echo(f"{fix.place}: {change(fix)}.")
    return len(chosen)


def rewrite(path: Path, text: str) -> None:
    """Write the text of a pipeline file anew; a byte order mark at its beginning stays."""
    mark = codecs.BOM_UTF8 if path.read_bytes().startswith(codecs.BOM_UTF8) else b""
    path.write_bytes(mark + text.encode())


def _confirmed(fix: Fix) -> bool:
    try:
        return click.confirm(f"{fix.place}: {change(fix, 'write')}?", err=True)
    except click.Abort:  # nobody there to answer
        return False


def change(fix: Fix, verb: str = "wrote") -> str:
    """What a correction does, as part of a sentence."""
    if fix.old == fix.new:
        return f"{verb} {fix.new} without quotes"
    return f"{verb} {fix.new.strip()!r}{f' instead of {fix.old!r}' if fix.old else ''}"
