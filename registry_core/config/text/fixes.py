"""Fixes of a pipeline file: create them for mistakes, and apply them to the text without changing anything else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any

from registry_core.config.text.tree import read_value
from registry_core.diagnostics import Fix, Keys, Place, Problem


def certain_fix(place: Place | None, old: Any, new: str) -> Fix | None:
    """A certain fix of a word or number; None if it is not written in a file."""
    return _fix(place, old, new, certain=True)


def likely_fix(place: Place | None, old: Any, new: str) -> Fix | None:
    """A likely fix of a word; None if it is not written in a file."""
    return _fix(place, old, new, certain=False)


def _fix(place: Place | None, old: Any, new: str, *, certain: bool) -> Fix | None:
    if place is None or place.line is None or place.end is None or not isinstance(old, str):
        return None
    return Fix(place, old, new, certain)


def value_at(data: Any, keys: Keys) -> Any:
    """The value at ``keys`` of plain data; None if there is none."""
    for key in keys:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def keys_in(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """The keys of a value of plain data and of all in it, which are at ``keys``."""
    yield keys
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield from keys_in(item, (*keys, key))


def applicable(problems: Iterable[Problem], text: str, source: str) -> list[Fix]:
    """The applicable fixes of one file: the text still contains what they replace, and no two overlap."""
    found: list[Fix] = []
    for problem in problems:
        fix = problem.fix
        if fix is None or fix.place.source != source:
            continue
        start, end = span(text, fix.place)
        free = all(end <= span(text, other.place)[0] or start >= span(text, other.place)[1] for other in found)
        if free and text[start:end].strip("'\"") == fix.old:
            found.append(fix)
    return found


def corrected(text: str, fixes: Iterable[Fix]) -> str:
    """The text with fixes applied; all other bytes are unchanged."""
    placed = [(*span(text, fix.place), fix) for fix in fixes]
    for start, end, fix in sorted(placed, key=lambda each: each[:2], reverse=True):
        text = text[:start] + _quoted(text[start:end], fix) + text[end:]
    return text


def _quoted(written: str, fix: Fix) -> str:
    """The new text of a fix: a quoted word stays quoted, as JSON requires."""
    quote = written[:1]
    in_quotes = quote in ("'", '"') and written == f"{quote}{fix.old}{quote}"
    return f"{quote}{fix.new}{quote}" if in_quotes and isinstance(read_value(fix.new), str) else fix.new


def span(text: str, place: Place) -> tuple[int, int]:
    """The start and end of a place in a text, as offsets."""
    starts = _line_starts(text)

    def offset(row: int, column: int) -> int:
        return min(starts[min(row, len(starts)) - 1] + column - 1, len(text))

    start = offset(place.line or 1, place.column or 1)
    return start, offset(*place.end) if place.end else start


@lru_cache(maxsize=4)
def _line_starts(text: str) -> tuple[int, ...]:
    return tuple(accumulate((len(line) for line in text.splitlines(keepends=True)), initial=0))
