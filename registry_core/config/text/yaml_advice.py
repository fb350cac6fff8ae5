"""Remedies for errors of libyaml, found from its messages and from the text at the place.

libyaml has no kinds or codes of errors, only messages. No other module reads them.
"""

from __future__ import annotations

import re
from typing import Any

from registry_core.diagnostics import Place

_ADVICE = {
    "mapping values are not allowed": "Put a space after the colon before it, or quote the text that contains a colon.",
    "did not find expected ',' or '}'": "Close the { above, or put a comma between its entries.",
    "did not find expected ',' or ']'": "Close the [ above, or put a comma between its items.",
    "did not find expected node content": "Remove the extra comma or bracket.",
    "did not find expected key": "Indent this line like the keys above it.",
    "did not find expected '-'": "Indent this line like the items above it.",
    "could not find expected ':'": "Put a colon and a space after this key.",
    "unknown escape character": "Write paths with / instead of \\.",
    "unexpected end of stream": "Close the quotes or the bracket that is open.",
}

_SLASHES = re.compile(r"(^|\s)//", re.MULTILINE)
"""The beginning of a comment as in JavaScript."""


def where(error: Any, source: str, text: str) -> Place:
    """The place of a parser's error: the start of an unclosed bracket or quote, else the point of failure."""
    problem, context = error.problem_mark, error.context_mark
    mark = problem or context
    if mark is None:
        return Place(source)
    if context is not None and problem is not None and _is_left_open(str(error.problem), problem, context, text):
        mark = context
    return Place(source, mark.line + 1, mark.column + 1)


def is_too_deep(error: Any) -> bool:
    """True if the error is that collections nest deeper than the parser allows."""
    return "nesting depth" in str(error.problem)


def first_line(error: Exception) -> str:
    """The message of an error without a place, as a part of a sentence; its other lines show the text."""
    return str(error).partition("\n")[0].rstrip(".")


def advice(error: Any, text: str, place: Place) -> str:
    """The remedy for an error at a place."""
    words = str(error.problem)
    line = _line(text, place)
    rest = line[(place.column or 1) - 1 :]
    before = line[: (place.column or 1) - 1]
    if "cannot start any token" in words:
        return _token_advice(rest[:1])
    if before.endswith("$") and rest.startswith("{"):
        return "Quote a variable inside { } or [ ]: '${name}'."
    if "could not find expected ':'" in words and rest.startswith("-"):
        return "Put a space after the dash."
    if any(part in words for part in ("expected ',' or", "expected ':'", "mapping values")) and _SLASHES.search(
        "\n".join(text.splitlines()[: place.line])
    ):
        return "Begin a comment with #, not with //."
    if "mapping values" in words and _goes_on(before):
        return "Indent this line like the line above, which already has a value, or end that line with its colon."
    if "expected ',' or" in words and rest[:1] in ("{", "["):
        return f"Close this {rest[0]} after its last entry, or put a comma between its entries."
    return next((told for part, told in _ADVICE.items() if part in words), "Correct the line, or the one above it.")


def _token_advice(character: str) -> str:
    if character == "\t":
        return "Indent with spaces instead of tabs."
    return f"Quote the text: {character} cannot begin one without quotes."


def _goes_on(before: str) -> bool:
    """True if a key at the start of a line follows a value with wrong indentation."""
    return bool(before.strip()) and ":" not in before and not before.strip().startswith(("{", "["))


def _is_left_open(words: str, problem: Any, context: Any, text: str) -> bool:
    """True if a bracket, quote or key was opened in an earlier line and should have ended there."""
    if problem.line == context.line:
        return False
    if "expected ','" in words:  # lines inside an open bracket are indented
        line = text.splitlines()[context.line]
        return bool(problem.column <= len(line) - len(line.lstrip()))
    return "expected ':'" in words or "end of stream" in words


def _line(text: str, place: Place) -> str:
    lines = text.splitlines()
    return lines[place.line - 1] if place.line and place.line <= len(lines) else ""
