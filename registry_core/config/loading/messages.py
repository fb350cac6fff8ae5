"""Turn pydantic's errors into problems with a place and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from registry_core.catalog import KINDS
from registry_core.components import Component
from registry_core.components.base import field_at, file_keys
from registry_core.config.loading.annotations import model_in
from registry_core.config.loading.component_form import wrong_form
from registry_core.config.loading.details import code_of, correction, remedy, sentence
from registry_core.config.loading.key_advice import key_advice
from registry_core.config.loading.limits import MAX_MISTAKES, and_more
from registry_core.config.text.fixes import certain_fix, likely_fix, value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, Problem, format_value, near, suggest

TOP = ("extends", "vars")
"""Top-level keys that are already removed from the tree when it is checked."""


_MODEL_TYPES = ("model_type", "model_attributes_type")


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Any, tree: Tree, keys: Keys, owner: str = ""
) -> list[Problem]:
    """All problems in a validation error of ``model``, whose data are at ``keys`` of the tree."""
    found = [(written(detail, data), detail) for detail in error.errors(include_url=False)]
    found, more = found[:MAX_MISTAKES], found[MAX_MISTAKES:]
    inner = {loc[:end] for loc, _ in found for end in range(len(loc))}  # pydantic also reports lists for their items
    details = [(loc, detail) for loc, detail in found if loc not in inner]
    problems = [
        _problem(loc, [detail for _, detail in group], model, tree, keys, owner)
        for loc, group in groupby(details, key=lambda pair: pair[0])
    ]
    return _without_consequences(and_more(problems) if more else problems)


def written(detail: ErrorDetails, data: Any) -> Keys:
    """The part of an error's location that exists in the file: pydantic appends members of unions and the like."""
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
        return _unknown(str(loc[-1]), _model_at(model, loc[:-1]), tree, full, owner)
    if first["type"] == "missing" and isinstance(loc[-1], int):
        what = f"The list {format_value(first['input'])} is too short: item {loc[-1] + 1} is missing."
        return Problem(what, "Add it.", tree.place(full), full[:-1], code="wrong-length")
    if first["type"] == "missing":
        what = f"The {owner} needs the parameter {loc[-1]!r}." if owner else f"The key {loc[-1]!r} is missing."
        return _missing(what, tree, full, "missing-parameter" if owner else "missing-key")
    others = [detail for detail in details if detail["type"] not in _MODEL_TYPES]
    if first["type"] in _MODEL_TYPES and others:
        return _neither(loc, others, model, tree, full)
    if first["type"] in _MODEL_TYPES:
        return _not_a_mapping(first["input"], _model_at(model, loc), tree, full, owner if not loc else "")
    return _wrong_value(loc, details, model, tree, full)


def _neither(loc: Keys, details: list[ErrorDetails], model: type[BaseModel], tree: Tree, keys: Keys) -> Problem:
    """The problem of a value that is neither a component nor what else it may be: ``Loss | float``."""
    problem = _wrong_value(loc, details, model, tree, keys)
    inner = _model_at(model, loc)
    if not issubclass(inner, Component):
        return problem
    one = KINDS[inner.kind].one
    return problem._replace(message=f"{problem.message} It may also be {one}.")


def _unknown(name: str, model: type[BaseModel], tree: Tree, keys: Keys, owner: str) -> Problem:
    taken = file_keys(model)
    place = tree.place(keys, of_key=True)
    if instead := _old_spellings(model).get(name):
        what = f"The {owner} has no parameter {name!r}, which is an old spelling."
        fix = certain_fix(place, name, instead) if instead in taken else None
        return Problem(what, f"Write {instead}.", place, keys, code="old-spelling", fix=fix)
    what = f"The {owner} has no parameter {name!r}." if owner else f"The key {name!r} is unknown here."
    code = "unknown-parameter" if owner else "unknown-key"
    known = [*taken, *TOP] if len(keys) == 1 else list(taken)
    if meant := key_advice(tree, keys, place, known):
        return Problem(what, meant[0], place, keys, code=code, fix=meant[1])
    suggestion = suggest(name, known)
    fix = likely_fix(place, name, suggestion.likely[0]) if suggestion.likely else None
    advice = str(suggestion) or "Remove it: there are no parameters."
    return Problem(what, advice, place, keys, code=code, fix=fix, suggestion=suggestion)


def _wrong_value(loc: Keys, details: list[ErrorDetails], model: type[BaseModel], tree: Tree, keys: Keys) -> Problem:
    value, kind, place = details[0]["input"], details[0]["type"], tree.place(keys)
    if loc and (instead := _old_spellings(_model_at(model, loc[:-1])).get(f"{loc[-1]}: {value}")):
        new = instead.removeprefix(f"{loc[-1]}: ")
        fix = certain_fix(place, f"{value}", new) if new != instead else None
        what = f"{format_value(value)} is an old spelling."
        return Problem(what, f"Write {instead}.", place, keys, code="old-spelling", fix=fix)
    message = " Or: ".join(dict.fromkeys(sentence(detail) for detail in details))
    field = field_at(_model_at(model, loc[:-1]), str(loc[-1])) if loc else None
    spare = _may_be_left_out(field) if field else ""
    if kind in ("tuple_type", "list_type") and not (value is None and spare):
        advice = _as_list(value, field.annotation if field else None)
    else:
        advice = " ".join(dict.fromkeys(told for detail in details if (told := remedy(detail, spare=spare))))
    fix = next((fix for detail in details if (fix := correction(detail, place))), None)
    return Problem(message, advice, place, keys, code=code_of(kind), fix=fix)


def _missing(what: str, tree: Tree, keys: Keys, code: str) -> Problem:
    named = isinstance(value_at(tree.data, keys[:-1]), str)  # a component written as a name alone
    place = tree.place(keys[:-1]) if named else tree.place(keys, of_key=True)
    return Problem(what, "Add it.", place, keys, code=code)


def _not_a_mapping(value: Any, model: type[BaseModel], tree: Tree, keys: Keys, owner: str) -> Problem:
    """The problem of a wrong value for a component, its parameters, or a section of the file."""
    place = tree.place(keys)
    if issubclass(model, Component) and not owner:
        message, advice, _ = wrong_form(model, value)
        return Problem(message, advice, place, keys, code="component-form")
    message = f"Expected a mapping, not {format_value(value)}."
    names = list(file_keys(model))
    if owner:
        advice = _named(value, model, str(keys[-1]))
    else:
        advice = f"Write a mapping, as in `{{{names[0]}: …}}`. {near('', names)}"
    if value is None:
        advice = "Write its content, or remove the key."
    return Problem(message, advice, place, keys, code="wrong-type")


def _named(value: Any, model: type[BaseModel], owner: str) -> str:
    """The remedy for a value instead of named parameters; it may be the value of the only required one."""
    names = file_keys(model)
    if not names:
        return "Remove it: there are no parameters."
    if isinstance(value, list):
        return f"Write the names of the parameters. {near('', names)}"
    required = [name for name, field in names.items() if model.model_fields[field].is_required()]
    return f"Write the name of the parameter: `{{{owner}: {{{(required or list(names))[0]}: {format_value(value)}}}}}`."


def _model_at(model: type[BaseModel], loc: Keys) -> type[BaseModel]:
    """The model of the fields at a location inside ``model``."""
    for key in loc:
        field = field_at(model, str(key))
        if field is not None:
            model = model_in(field.annotation) or model
    return model


def _old_spellings(model: type[BaseModel]) -> Mapping[str, str]:
    return model.old_spellings if issubclass(model, Component) else {}


def _as_list(value: Any, annotation: Any) -> str:
    """The remedy for a value that should be a list; ``annotation`` describes its items."""
    item = model_in(annotation)
    if item is not None and not issubclass(item, Component):
        return "Write a list of mappings: a dash and a space before each."
    if isinstance(value, dict):
        return "Write a list: a dash and a space before each item."
    if get_origin(annotation) is tuple and Ellipsis not in get_args(annotation):
        return f"Write a list of {len(get_args(annotation))} values."
    if isinstance(value, str) and value.startswith("["):
        return "Write the list without quotes."
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return "Write a list."
    return f"Write a list, as in `[{value}]`."


def _may_be_left_out(field: FieldInfo) -> str:
    """The remedy for a value that means none: null if that is valid, else to omit the key if it is optional."""
    if field.is_required():
        return ""
    if type(None) in get_args(field.annotation):
        return "Write null, or remove the key."
    return "Remove the key, or write a value."


def _without_consequences(problems: list[Problem]) -> list[Problem]:
    """Drop problems of missing keys that are only misspelt or in an old spelling, which is reported already."""

    misspelt = {(*problem.keys[:-1], problem.fix.new) for problem in problems if problem.fix}
    old = {problem.keys[:-1] for problem in problems if problem.code == "old-spelling"}
    missing = ("missing-key", "missing-parameter")
    return [
        problem
        for problem in problems
        if problem.code not in missing or (problem.keys not in misspelt and problem.keys[:-1] not in old)
    ]
