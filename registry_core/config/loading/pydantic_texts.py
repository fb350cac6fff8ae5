"""Facts that pydantic's errors have in the words of their texts alone.

pydantic states the kind of an error, the value and its bounds as data. The choices of a Literal are a text
(``'a', 'b' or 'c'``), and what is wrong with a value of a rare kind is a sentence. Nothing else of the package reads
these texts.
"""

from __future__ import annotations

from pydantic_core import ErrorDetails

from registry_core.diagnostics import as_clause


def choices(detail: ErrorDetails) -> list[str]:
    """The choices of a Literal that a value is none of."""
    return [part.strip("'") for part in listed_choices(detail).replace(" or ", ", ").split(", ")]


def listed_choices(detail: ErrorDetails) -> str:
    """The choices of a Literal as a part of a sentence."""
    return str(detail.get("ctx", {}).get("expected", ""))


def reason(detail: ErrorDetails) -> str:
    """What is wrong with a value, as a clause in pydantic's words."""
    return as_clause(detail["msg"])
