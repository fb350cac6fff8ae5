"""Correct pipeline files in place: certain fixes at once, likely ones after a question."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

import click

from registry_core.cli.options import say
from registry_core.config.text.fixes import applicable, corrected
from registry_core.config.text.source import text_of_file
from registry_core.config.text.tree import read_text
from registry_core.diagnostics import Fix, PipelineError, Problem
from registry_core.diagnostics.printable import printable


def fix_files(problems: Sequence[Problem], *, yes: bool, refused: set[Fix]) -> int:
    """Apply the fixes of problems to their files, print each change, and return the number of changes.

    The user is asked about likely fixes, unless ``yes``; declined ones are added to ``refused``.
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
    except PipelineError:  # a fix must never make a file worse
        return 0
    if chosen:
        rewrite(path, new)
    for fix in chosen:
        say(f"{fix.place}: {change(fix)}.")
    return len(chosen)


def rewrite(path: Path, text: str) -> None:
    """Rewrite the text of a pipeline file; a byte order mark at its beginning is kept."""
    mark = codecs.BOM_UTF8 if path.read_bytes().startswith(codecs.BOM_UTF8) else b""
    path.write_bytes(mark + text.encode())


def _confirmed(fix: Fix) -> bool:
    try:
        return click.confirm(printable(f"{fix.place}: {change(fix, 'write')}?"), err=True)
    except click.Abort:  # nobody to answer
        return False


def change(fix: Fix, verb: str = "wrote") -> str:
    """Describe a fix as part of a sentence."""
    if fix.old == fix.new:
        return f"{verb} {fix.new} without quotes"
    return f"{verb} {fix.new.strip()!r}{f' instead of {fix.old!r}' if fix.old else ''}"
