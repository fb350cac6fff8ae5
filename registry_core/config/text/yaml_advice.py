"""What to do about what libyaml refuses, read from its words and from the text at the place.

libyaml tells its errors apart by their words alone: it has no kinds or codes. Nothing else of the package reads them.
"""

from __future__ import annotations

from typing import Any

from registry_core.diagnostics import Place

_ADVICE = {
    "mapping values are not allowed": "Put a space after the colon before it, or quote the text that has a colon.",
    "did not find expected ',' or '}'": "Close the { above, or put a comma between its entries.",
    "did not find expected ',' or ']'": "Close the [ above, or put a comma between its items.",
    "did not find expected node content": "Remove the comma or bracket that is too much.",
    "did not find expected key": "Indent this line as the keys above it.",
    "did not find expected '-'": "Indent this line as the items above it.",
    "could not find expected ':'": "Put a colon and a space behind this key.",
    "unknown escape character": "Write paths with / in the place of \\.",
    "unexpected end of stream": "Close the quotes or the bracket that is open.",
}


def where(error: Any, source: str, text: str) -> Place:
    """The place of a parser's error: where what is not closed begins, else where the parser could not go on."""
    problem, context = error.problem_mark, error.context_mark
    mark = problem or context
    if mark is None:
        return Place(source)
    if context is not None and problem is not None and _is_left_open(str(error.problem), problem, context, text):
        mark = context
    return Place(source, mark.line + 1, mark.column + 1)


def is_too_deep(error: Any) -> bool:
    """Whether a parser's error is that collections nest deeper than it allows."""
    return "nesting depth" in str(error.problem)


def first_line(error: Exception) -> str:
    """What an error without a place says, as a part of a sentence; the other lines show the text."""
    return str(error).partition("\n")[0].rstrip(".")


def advice(error: Any, text: str, place: Place) -> str:
    """What to do about an error at a place."""
    words = str(error.problem)
    line = _line(text, place)
    rest = line[(place.column or 1) - 1 :]
    before = line[: (place.column or 1) - 1]
    if "cannot start any token" in words:
        return _token_advice(rest[:1])
    if before.endswith("$") and rest.startswith("{"):
        return "Quote a variable that stands between { } or [ ]: '${name}'."
    if "could not find expected ':'" in words and rest.startswith("-"):
        return "Put a space behind the dash."
    if "mapping values" in words and _goes_on(before):
        return "The line above has a value already: indent this line as that one, or end that one with its colon."
    if "expected ',' or" in words and " //" in "\n".join(text.splitlines()[: place.line]):
        return "A comment begins with #, not with //."
    if "expected ',' or" in words and rest[:1] in ("{", "["):
        return f"Close this {rest[0]} behind its last entry, or put a comma between its entries."
    return next((told for part, told in _ADVICE.items() if part in words), "Correct the line, or the one above it.")


def _token_advice(character: str) -> str:
    if character == "\t":
        return "Indent with spaces instead of tabs."
    return f"Quote the text: {character} cannot begin one without quotes."


def _goes_on(before: str) -> bool:
    """Whether a key that begins its line follows a value without being indented as it must."""
    return bool(before.strip()) and ":" not in before and not before.strip().startswith(("{", "["))


def _is_left_open(words: str, problem: Any, context: Any, text: str) -> bool:
    """Whether a bracket, a quote or a key was opened in an earlier line and should have ended there."""
    if problem.line == context.line:
        return False
    if "expected ','" in words:  # a bracket that goes on over lines has them indented
        line = text.splitlines()[context.line]
        return bool(problem.column <= len(line) - len(line.lstrip()))
    return "expected ':'" in words or "end of stream" in words


def _line(text: str, place: Place) -> str:
    lines = text.splitlines()
    return lines[place.line - 1] if place.line and place.line <= len(lines) else ""
