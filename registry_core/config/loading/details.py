"""Translate one of pydantic's errors into a message, a remedy and a fix."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import ErrorDetails

from registry_core.components import ParameterError
from registry_core.config.loading.numbers import as_whole, bound, number_meant
from registry_core.config.loading.pydantic_texts import choices, listed_choices, reason
from registry_core.config.text.fixes import certain_fix, likely_fix
from registry_core.config.text.tree import read_value
from registry_core.diagnostics import Fix, Place, as_sentence, best, format_value, suggest

_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "path_type": "a path",
}

_CODES = {"literal_error": "wrong-choice", "too_short": "wrong-length", "too_long": "wrong-length"}

_TRUTHS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}

_VARIABLE = re.compile(r"\$(\w+)|\{\{\s*(\w+)\s*\}\}")
"""A variable in the syntax of shells or templates."""

_LISTED = 12
"""All choices are listed up to this number."""

_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def code_of(kind: str) -> str:
    """The code of a problem for one of pydantic's kinds of error."""
    if kind in _TYPES:
        return "wrong-type"
    if kind in _BOUNDS:
        return "out-of-range"
    return _CODES.get(kind, "wrong-value")


def sentence(detail: ErrorDetails) -> str:
    """The message of an error."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in _TYPES:
        return f"Expected {_TYPES[kind]}, not {format_value(value)}."
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        return f"{format_value(value)} must be {words} {bound(context[name])}."
    if kind == "literal_error":
        many = len(choices(detail))
        known = listed_choices(detail) if many <= _LISTED else f"the {many} possible values"
        return f"{format_value(value)} is not one of {known}."
    if kind == "value_error":
        return as_sentence(_own_error(detail).message)
    if kind in ("too_short", "too_long"):
        words, limit = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        items = "item" if context[limit] == 1 else "items"
        return f"The list must have {words} {context[limit]} {items}, but has {context['actual_length']}."
    if kind in ("missing", "unexpected_positional_argument"):
        return f"The list {format_value(value)} has the wrong length: {reason(detail)}."
    if kind == "is_instance_of" and context["class"] == "Path":
        return f"Expected a path, not {format_value(value)}."
    if kind == "string_pattern_mismatch":
        return f"{format_value(value)} does not match {context['pattern']}."
    return f"{format_value(value)} is not valid: {reason(detail)}."


def remedy(detail: ErrorDetails, *, spare: str = "") -> str:
    """The remedy of an error; ``spare`` is the remedy for a value that means none."""
    kind, value = detail["type"], detail["input"]
    if kind in _TYPES and (value is None or value in ("None", "none", "nil")) and spare:
        return spare
    if isinstance(value, str) and (found := _VARIABLE.fullmatch(value)):
        return f"Write the variable as ${{{found[1] or found[2]}}}."
    if kind == "literal_error":
        return _choose(value, choices(detail))
    if kind in ("int_type", "float_type") and isinstance(value, str):
        return _number(value, _TYPES[kind], whole=kind == "int_type")
    if kind in ("int_type", "int_from_float") and isinstance(value, float) and (meant := as_whole(value)):
        return f"Write {meant}."
    if kind == "is_instance_of" and detail["ctx"]["class"] == "Path":
        return "Write a path."
    if kind == "string_pattern_mismatch":
        return "Change it so that the whole text matches."
    if kind == "string_type" and isinstance(value, (int, float)):
        return "Put it in quotes if this text is meant."
    if kind == "bool_type" and value in ("yes", "no", "on", "off", "True", "False", "true", "false", 0, 1):
        return "Write true or false, without quotes."
    if kind == "value_error" and (advice := _own_error(detail).remedy):
        return as_sentence(advice)
    if kind in _BOUNDS:
        percent = kind.startswith("less") and bound(detail["ctx"][_BOUNDS[kind][1]]) == "1" and _may_be_percent(value)
        return f"Use a number in the range{f'; {value} % is {value / 100:g}' if percent else ''}."
    if kind in _TYPES:
        return f"Write {_TYPES[kind]}."
    return ""


def _choose(value: Any, possible: list[str]) -> str:
    if not isinstance(value, str):
        return "Write one of them."
    if value in possible:
        return "Write it without quotes."
    suggestion = suggest(value, possible)
    return str(suggestion) if suggestion.likely or len(possible) > _LISTED else "Write one of them."


def _number(value: str, wanted: str, *, whole: bool) -> str:
    meant = number_meant(value, whole=whole)
    if meant == value:
        return "Write the number without quotes."
    comment = " Begin comments with #." if " //" in value else ""
    return f"Write {meant}." if meant else f"Write {wanted}.{comment}"


def _may_be_percent(value: float) -> bool:
    """True if a number above 1, where at most 1 is allowed, looks like a percentage."""
    return 5 <= value <= 100 and value == int(value)


def correction(detail: ErrorDetails, place: Place | None) -> Fix | None:
    """The fix of a value, if the intention is clear enough."""
    kind, value = detail["type"], detail["input"]
    if not isinstance(value, str):
        return None
    if kind == "literal_error" and value in choices(detail):  # a number in quotes
        return certain_fix(place, value, value)
    if kind == "literal_error" and (close := best(value, choices(detail))):
        return likely_fix(place, value, close)
    if kind in ("int_type", "float_type") and (meant := number_meant(value, whole=kind == "int_type")):
        return certain_fix(place, value, meant) if meant == value else likely_fix(place, value, meant)
    if kind in ("tuple_type", "list_type") and value.startswith("[") and isinstance(read_value(value), list):
        return certain_fix(place, value, value)
    if kind == "bool_type" and value.lower() in _TRUTHS:
        return certain_fix(place, value, _TRUTHS[value.lower()])
    return None


def _own_error(detail: ErrorDetails) -> ParameterError:
    """The error that a validator raised; a plain ValueError has no remedy."""
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, ParameterError):
        return error
    return ParameterError(reason(detail) if error is None else str(error))
