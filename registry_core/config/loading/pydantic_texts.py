"""Read the facts that pydantic's errors contain only in their texts.

pydantic states the kind of an error, the value and its bounds as data, but the choices of a Literal as a text
(``'a', 'b' or 'c'``), and the reason of a rare kind of error as a sentence. No other module reads these texts.
"""

from __future__ import annotations

from pydantic_core import ErrorDetails

from registry_core.diagnostics import as_clause


def choices(detail: ErrorDetails) -> list[str]:
    """The choices of a Literal that a value does not match."""
    return [part.strip("'") for part in listed_choices(detail).replace(" or ", ", ").split(", ")]


def listed_choices(detail: ErrorDetails) -> str:
    """The choices of a Literal as a part of a sentence."""
    return str(detail.get("ctx", {}).get("expected", ""))


def reason(detail: ErrorDetails) -> str:
    """The reason of an error, as a clause in pydantic's words."""
    return as_clause(detail["msg"])
