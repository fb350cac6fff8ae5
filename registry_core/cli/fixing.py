"""Correct pipeline files in place: what is certain at once, what is likely after a question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from registry_core.errors import Fix, PipelineError, Problem
from registry_core.spec.fixes import applicable, corrected
from registry_core.spec.source import read_text


def fix_files(problems: Sequence[Problem], *, yes: bool, refused: set[Fix]) -> int:
    """Correct the files that problems stand in, and tell each change; how many there were.

    Likely corrections are asked for, unless ``yes``; those that are declined are put into ``refused``.
    """
    sources = {fix.place.source for problem in problems if (fix := problem.fix)}
    return sum(_fix_file(Path(source), problems, yes, refused) for source in sorted(sources))


def _fix_file(path: Path, problems: Sequence[Problem], yes: bool, refused: set[Fix]) -> int:
    data = path.read_bytes()
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    text = data[len(mark) :].decode()
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
        path.write_bytes(mark + new.encode())
    for fix in chosen:
        click.echo(f"{fix.place}: {_change(fix)}.")
    return len(chosen)


def _confirmed(fix: Fix) -> bool:
    try:
        return click.confirm(f"{fix.place}: {_change(fix, 'write')}?", err=True)
    except click.Abort:  # nobody there to answer
        return False


def _change(fix: Fix, verb: str = "wrote") -> str:
    if fix.old == fix.new:
        return f"{verb} {fix.new} without quotes"
    return f"{verb} {fix.new.strip()!r}{f' instead of {fix.old!r}' if fix.old else ''}"
