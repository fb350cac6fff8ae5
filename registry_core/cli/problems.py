"""Print problems as compilers do: a message with its place, the line of the file, and carets below the word."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from registry_core.cli.options import say_lines
from registry_core.diagnostics import Fix, PipelineError, Place, Problem

_SHOWN = 100
"""At most this many characters of a long line are shown, around the mistake."""


def tell(problems: Iterable[Problem]) -> None:
    """Print problems to standard error, each with its line of the file."""
    _file_lines.cache_clear()  # another command of this process may have read other text under the same name
    for problem in problems:
        say_lines("\n".join(lines_of(problem)), err=True)


def lines_of(problem: Problem) -> Iterator[str]:
    """Format a problem: its message and, below it, the line of the file with carets."""
    yield str(problem)
    place = problem.place
    if place is None or place.line is None or place.column is None:
        return
    lines = _file_lines(place.source)
    if place.line > len(lines) or not lines[place.line - 1].strip():
        return
    line = lines[place.line - 1]
    start = min(place.column - 1, len(line))
    end = place.end[1] - 1 if place.end and place.end[0] == place.line else start + 1
    left = max(0, min(start - _SHOWN // 2, len(line) - _SHOWN))
    shown = line[left : left + _SHOWN]
    before, marked = line[left:start], line[start : min(end, left + _SHOWN)]
    number = f"{place.line:>6}"
    yield f"{number} | {_printable(shown)}"
    yield f"{' ' * len(number)} | {' ' * _width(before)}{'^' * max(1, _width(marked))}"


@cache
def _file_lines(source: str) -> list[str]:
    from registry_core.config.text.source import text_of_file  # only problems with a line are of pipeline files

    try:
        return text_of_file(Path(source)).splitlines()
    except PipelineError:  # a file that no longer exists
        return []


def _printable(text: str) -> str:
    return "".join(" " if not character.isprintable() else character for character in text)


def _width(text: str) -> int:
    """The width of a text in terminal columns: wide East Asian characters count 2, combining accents 0."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def problem_data(problem: Problem) -> dict[str, Any]:
    """A problem as JSON data: editors show its range and code, and offer the fix."""
    return {
        "severity": "warning" if problem.warning else "error",
        "code": problem.code,
        **_range(problem.place),
        "path": problem.path,
        "message": problem.message,
        "remedy": problem.remedy,
        "fix": _fix(problem.fix) if problem.fix else None,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {**_range(fix.place), "old": fix.old, "new": fix.new, "certain": fix.certain}


def _range(place: Place | None) -> dict[str, Any]:
    """A range; lines and columns count from 1, and the end is exclusive."""
    end = place.end if place and place.end else (None, None)
    return {
        "file": place.source if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "end_line": end[0],
        "end_column": end[1],
    }
