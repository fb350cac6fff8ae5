"""Forms in which a file writes values that are of other types in Python, and how they are read by the annotation.

A file has texts, numbers, truth values, null, lists, and mappings whose keys are texts. A list is read as a tuple, a
text as a path, and the key of a mapping as a number, where the annotation of the field says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from registry_core.components.interval import Every
from registry_core.components.own_default import OwnDefault

Read = Callable[[Any], Any]

_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_DIGITS = 309
"""The digits of the largest number that a file may have."""
MAX_BITS = 64
"""The bits of the largest integer that a file may have."""
_LONGEST_KEY = 1000
"""YAML requires the colon within 1024 characters of the beginning of a key."""


class Unwritable(TypeError):
    """A value that a file cannot say, and its keys in the file."""

    keys: tuple[str | int, ...] = ()


def written(value: Any) -> Any:
    """A value as a file writes it; Unwritable if a file cannot say it, RecursionError if it contains itself."""
    if value is None or type(value) is bool:
        return value
    if type(value) is str and not _SURROGATE.search(value):
        return value
    if type(value) is int and value.bit_length() <= MAX_BITS:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, (Path, Every)):
        return written(str(value))
    if isinstance(value, (list, tuple)):
        return [written(item) for item in value]
    if isinstance(value, Mapping):
        return mapping(value, written)
    raise Unwritable(str(OwnDefault(value)))


def mapping(value: Mapping[Any, Any], write: Callable[[Any], Any]) -> dict[str, Any]:
    """A mapping as a file writes it, with keys that are texts, and values that ``write`` has written."""
    found = {written_key(key): write(item) for key, item in value.items()}
    if len(found) < len(value):
        raise Unwritable("two keys of a mapping are the same text")
    return found


def written_key(key: Any) -> str:
    """The key of a mapping as a file writes it."""
    text = written(key)
    if not isinstance(text, str):
        if isinstance(text, (list, dict)):
            raise Unwritable("a key is a sequence or a mapping")
        text = next((word for word, meant in _WORDS.items() if meant is text), repr(text))
    if len(text) > _LONGEST_KEY:
        raise Unwritable("a key is longer than YAML allows")
    return text


def reader(annotation: Any) -> Read | None:
    """The function that reads a written value for a field with this annotation; None if it is as written."""
    annotation = getattr(annotation, "__value__", annotation)  # of a type alias
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return reader(arguments[0])
    if origin in (Union, UnionType):
        return _union(arguments)
    if annotation is Path:
        return lambda value: Path(value) if isinstance(value, str) else value
    if origin is Literal:
        return _choice(arguments)
    form = annotation if origin is None else origin
    if form is tuple:
        return _tuple(arguments)
    if isinstance(form, type) and issubclass(form, Mapping) and form in _MAPPINGS:
        return _mapping(*arguments) if len(arguments) == 2 else None
    if arguments and isinstance(form, type) and issubclass(form, Iterable):
        return _items(reader(arguments[0]))
    return None


_MAPPINGS = (dict, Mapping, MutableMapping)


def _choice(choices: Sequence[Any]) -> Read | None:
    """The reader of choices that are numbers: True == 1 in Python, and would pass for the choice 1."""
    kinds = {type(choice) for choice in choices}
    if int not in kinds or bool in kinds:
        return None
    return lambda value: str(value).lower() if isinstance(value, bool) else value


def _tuple(arguments: Sequence[Any]) -> Read:
    if len(arguments) == 2 and arguments[1] is ...:
        each = reader(arguments[0])
        return lambda value: tuple(map(each, value) if each else value) if isinstance(value, list) else value
    parts = [reader(argument) for argument in arguments]

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        known = [*parts, *[None] * (len(value) - len(parts))]  # of a wrong length: pydantic says which is right
        return tuple(item if part is None else part(item) for part, item in zip(known, value, strict=False))

    return read


def _items(each: Read | None) -> Read | None:
    if each is None:
        return None
    return lambda value: [each(item) for item in value] if isinstance(value, list) else value


def _mapping(key: Any, value: Any) -> Read | None:
    read_key, read_value = _key(key), reader(value)
    if read_key is None and read_value is None:
        return None

    def read(found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        return {
            (read_key(name) if read_key else name): (read_value(item) if read_value else item)
            for name, item in found.items()
        }

    return read


def _key(annotation: Any) -> Read | None:
    """The function that reads the text of a key, by the types that the annotation allows."""
    kinds = _kinds(annotation)
    if str in kinds or Any in kinds:
        return None

    def read(key: Any) -> Any:
        if not isinstance(key, str):
            return key
        if key in _WORDS and type(_WORDS[key]) in kinds:
            return _WORDS[key]
        if int in kinds and _WHOLE.fullmatch(key) and len(key) <= _MOST_DIGITS:
            return int(key)
        if float in kinds and _NUMBER.fullmatch(key):
            return float(key)
        return Path(key) if Path in kinds else key

    return read


def _kinds(annotation: Any) -> set[Any]:
    """The types of the keys that an annotation allows."""
    annotation = getattr(annotation, "__value__", annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kinds(arguments[0])
    if origin in (Union, UnionType):
        return {kind for argument in arguments for kind in _kinds(argument)}
    if origin is Literal:
        return {type(choice) for choice in arguments}
    return {annotation}


def _union(alternatives: Sequence[Any]) -> Read | None:
    """The reader of the first alternative that changes a value; of tuples, first those of its length."""
    readers = [(_length(each), found) for each in alternatives if (found := reader(each)) is not None]
    if len(readers) < 2:
        return readers[0][1] if readers else None

    def read(value: Any) -> Any:
        fits = sorted(readers, key=lambda each: not isinstance(value, list) or each[0] not in (None, len(value)))
        return next((found for _, each in fits if (found := each(value)) is not value), value)

    return read


def _length(annotation: Any) -> int | None:
    """The number of items of a tuple; None if it is free."""
    if get_origin(annotation) is Annotated:
        return _length(get_args(annotation)[0])
    arguments = get_args(annotation)
    return len(arguments) if get_origin(annotation) is tuple and ... not in arguments else None
