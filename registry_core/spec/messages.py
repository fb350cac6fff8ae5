"""Turn pydantic's errors into sentences with a place and a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from registry_core.components import Component
from registry_core.components.base import written_fields
from registry_core.errors import Fix, Place, Problem, closest, near
from registry_core.spec.annotations import model_in
from registry_core.spec.compose import dotted
from registry_core.spec.fixes import certain_fix, likely_fix
from registry_core.spec.source import Keys, Tree

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

_LISTED = 12
"""Of so many choices all are named."""

_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Any, tree: Tree, keys: Keys, owner: str = ""
) -> list[Problem]:
    """All problems in a validation error of ``model``, whose data stands at ``keys`` of the tree."""
    found = [(written(detail, data), detail) for detail in error.errors(include_url=False)]
    inner = {loc[:end] for loc, _ in found for end in range(len(loc))}  # pydantic also blames lists for their items
    details = [(loc, detail) for loc, detail in found if loc not in inner]
    return [
        _problem(loc, [detail for _, detail in group], model, tree, keys, owner)
        for loc, group in groupby(details, key=lambda pair: pair[0])
    ]


def written(detail: ErrorDetails, data: Any) -> Keys:
    """The part of an error's location that is in the file: pydantic appends the members of unions and the like."""
    written: Keys = ()
    for key in detail["loc"]:
        inside = (isinstance(data, dict) and key in data) or (
            isinstance(data, (list, tuple)) and isinstance(key, int) and key < len(data)
        )
        if not inside:
            missing = detail["type"] == "missing" and key == detail["loc"][-1]
            return (*written, key) if missing else written
        written = (*written, key)
        data = data[key]
    return written


def _problem(
    loc: Keys, details: list[ErrorDetails], model: type[BaseModel], tree: Tree, keys: Keys, owner: str
) -> Problem:
    full = (*keys, *loc)
    first = details[0]
    if first["type"] == "extra_forbidden":
        name = str(loc[-1])
        taken = written_fields(_model_at(model, loc[:-1]))
        place = tree.place(full, of_key=True)
        if instead := _old_spellings(model, loc[:-1]).get(name):
            what = f"The {owner} does not take {name!r}, an old spelling."
            fix = certain_fix(place, name, instead) if instead in taken else None
            return Problem(what, f"Write {instead}.", place, dotted(full), code="old-spelling", fix=fix)
        what = f"The {owner} has no parameter {name!r}." if owner else f"There is no key {name!r} here."
        code = "unknown-parameter" if owner else "unknown-key"
        advice = near(name, taken) or "It takes none."
        fix = likely_fix(place, name, close[0]) if (close := closest(name, taken)) else None
        return Problem(what, advice, place, dotted(full), code=code, fix=fix)
    if first["type"] == "missing" and isinstance(loc[-1], int):
        what = f"The list {_shown(first['input'])} is too short: item {loc[-1] + 1} is missing."
        return Problem(what, "Add it.", tree.place(full), dotted(full[:-1]), code="wrong-length")
    if first["type"] == "missing":
        what = f"The {owner} needs the parameter {loc[-1]!r}." if owner else f"The key {loc[-1]!r} is missing."
        return _missing(what, tree, full, "missing-parameter" if owner else "missing-key")
    sentences = list(dict.fromkeys(_sentence(detail) for detail in details))
    message = " Or: ".join(sentences)
    if loc and (instead := _old_spellings(model, loc[:-1]).get(f"{loc[-1]}: {first['input']}")):
        message = f"{_shown(first['input'])} is an old spelling."
        value = instead.removeprefix(f"{loc[-1]}: ")
        fix = certain_fix(tree.place(full), first["input"], value) if value != instead else None
        return Problem(message, f"Write {instead}.", tree.place(full), dotted(full), code="old-spelling", fix=fix)
    remedies = dict.fromkeys(remedy for detail in details if (remedy := _remedy(detail)))
    fixes = [fix for detail in details if (fix := _fix(detail, tree.place(full)))]
    fix = fixes[0] if fixes else None
    return Problem(message, " ".join(remedies), tree.place(full), dotted(full), code=_code(first["type"]), fix=fix)


def _missing(what: str, tree: Tree, keys: Keys, code: str) -> Problem:
    place = tree.place(keys, of_key=True)
    return Problem(what, "Add it.", place, dotted(keys), code=code)


def _code(kind: str) -> str:
    if kind in _TYPES:
        return "wrong-type"
    if kind in _BOUNDS:
        return "out-of-range"
    return _CODES.get(kind, "wrong-value")


def _fix(detail: ErrorDetails, place: Place | None) -> Fix | None:
    """The correction of a value, where it is clear enough what is meant."""
    kind, value = detail["type"], detail["input"]
    if not isinstance(value, str):
        return None
    if kind == "literal_error" and (close := closest(value, _choices(detail))):
        return likely_fix(place, value, close[0])
    if kind in ("int_type", "float_type") and _is_number(value):
        return certain_fix(place, value, value)
    if kind == "bool_type" and value.lower() in _TRUTHS:
        return certain_fix(place, value, _TRUTHS[value.lower()])
    return None


def _sentence(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in _TYPES:
        return f"Expected {_TYPES[kind]}, not {_shown(value)}."
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"{_shown(value)} must be {words} {context[bound]}."
    if kind == "literal_error":
        many = len(list(_choices(detail)))
        return f"{_shown(value)} is not one of {context['expected'] if many <= _LISTED else f'the {many} there are'}."
    if kind == "value_error":
        text = _told(detail)[0]
        names = "_" in text.split(" ")[0] or text[1:2] == " "  # of a parameter, which stays as it is written
        return f"{text if names else text[:1].upper() + text[1:]}."
    if kind in ("too_short", "too_long"):
        words, bound = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        items = "item" if context[bound] == 1 else "items"
        return f"The list must have {words} {context[bound]} {items}, and has {context['actual_length']}."
    if kind in ("missing", "unexpected_positional_argument"):
        return f"The list {_shown(value)} has the wrong length: {_lower(detail['msg'])}."
    return f"{_shown(value)} does not fit: {_lower(detail['msg'])}."


def _told(detail: ErrorDetails) -> tuple[str, str]:
    """What a declaration's own check says: what is wrong and, after a semicolon, what to do."""
    text = str(detail.get("ctx", {}).get("error", detail["msg"]))
    what, _, remedy = text.rpartition("; ")
    return (what, remedy) if what else (text, "")


def _remedy(detail: ErrorDetails) -> str:
    kind, value = detail["type"], detail["input"]
    if kind == "literal_error" and isinstance(value, str):
        choices = list(_choices(detail))
        advice = near(value, choices)
        return advice if len(choices) > _LISTED or not advice.startswith("Known") else "Write one of them."
    if kind in ("int_type", "float_type") and isinstance(value, str) and _is_number(value):
        return "Write the number without quotes."
    if kind == "bool_type" and value in ("yes", "no", "on", "off", "True", "False", "true", "false", 0, 1):
        return "Write true or false, without quotes."
    if kind == "literal_error":
        return "Write one of them."
    if kind == "value_error" and (told := _told(detail)[1]):
        return f"{told[:1].upper()}{told[1:]}."
    if kind in _BOUNDS:
        return "Use a number in the range."
    if kind in _TYPES:
        return f"Write {_TYPES[kind]}."
    return ""


def _choices(detail: ErrorDetails) -> Iterator[str]:
    text = str(detail.get("ctx", {}).get("expected", ""))
    for part in text.replace(" or ", ", ").split(", "):
        yield part.strip("'")


def _model_at(model: type[BaseModel], loc: Keys) -> type[BaseModel]:
    """The model whose fields stand at a location inside ``model``."""
    for key in loc:
        if isinstance(key, str) and key in model.model_fields:
            model = model_in(model.model_fields[key].annotation) or model
    return model


def _old_spellings(model: type[BaseModel], loc: Keys) -> Mapping[str, str]:
    found = _model_at(model, loc)
    return found.old_spellings if issubclass(found, Component) else {}


def _shown(value: Any) -> str:
    text = repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
