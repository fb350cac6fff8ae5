"""Parameter types that several components share; each has one clear message."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag, WithJsonSchema

from registry_core.components.facts import ParameterError, UnexpectedValue


def _pair_of_sides(value: Any) -> Any:
    sides = (value, value) if isinstance(value, int) and not isinstance(value, bool) else value
    if _whole_numbers(sides, lengths=(2,), least=1):
        return tuple(sides)
    raise _not_numbers("a side or [height, width] in pixels, each at least 1", value)


def _shorter_side_or_pair(value: Any) -> Any:
    if _whole_numbers((value,), lengths=(1,), least=1):
        return value
    if _whole_numbers(value, lengths=(2,), least=1):
        return tuple(value)
    raise _not_numbers("the shorter side or [height, width] in pixels, each at least 1", value)


def _four_edges(value: Any) -> Any:
    if _whole_numbers((value,), lengths=(1,), least=0):
        return (value,) * 4
    if _whole_numbers(value, lengths=(2,), least=0):
        return (value[0], value[1], value[0], value[1])
    if _whole_numbers(value, lengths=(4,), least=0):
        return tuple(value)
    edges = "[left and right, top and bottom] or [left, top, right, bottom]"
    raise _not_numbers(f"pixels for all edges, {edges}, each at least 0", value)


def _fill(value: Any) -> Any:
    values = value if isinstance(value, (list, tuple)) else (value,)
    if not values or not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values):
        raise _not_numbers("a pixel value, or a list with one for each channel", value)
    return values[0] if len(values) == 1 else tuple(values)


def _whole(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    """Whole values as integers, which Pillow needs."""
    if isinstance(value, tuple):
        return tuple(int(one) if one == int(one) else one for one in value)
    return int(value) if value == int(value) else value


def _not_numbers(expected: str, value: Any) -> UnexpectedValue:
    values = value if isinstance(value, (list, tuple)) else (value,)
    in_quotes = any(isinstance(one, str) and re.fullmatch("[0-9]{1,9}", one) for one in values)
    return UnexpectedValue(expected, value, "Write numbers without quotes." if in_quotes else "")


def _whole_numbers(value: Any, lengths: tuple[int, ...], least: int) -> bool:
    if not isinstance(value, (list, tuple)) or len(value) not in lengths:
        return False
    return all(isinstance(n, int) and not isinstance(n, bool) and n >= least for n in value)


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise UnexpectedValue("[smallest, largest]", value)
    return value


def _one_or_list(value: Any) -> str:
    return "list" if isinstance(value, (list, tuple)) else "one"


T = TypeVar("T")

OneOrList = Annotated[Annotated[T, Tag("one")] | Annotated[tuple[T, ...], Tag("list")], Discriminator(_one_or_list)]
"""One value, or a list of them; messages are about the form that was written."""

NUMBER: dict[str, Any] = {"type": "number"}
INTEGER: dict[str, Any] = {"type": "integer"}


def one_or_list(one: dict[str, Any], *lengths: int, item: dict[str, Any] | None = None) -> WithJsonSchema:
    """The JSON Schema, for editors, of one value or a list; ``lengths`` are the allowed lengths, (): any.

    ``one`` and ``item`` are JSON Schemas; ``item`` is for a value in a list, if it differs from a single one.
    """
    inner = item or one
    lists = [{"type": "array", "items": inner, "minItems": n, "maxItems": n} for n in lengths]
    return WithJsonSchema({"anyOf": [one, *(lists or [{"type": "array", "items": inner, "minItems": 1}])]})


Size = Annotated[tuple[int, int], BeforeValidator(_pair_of_sides), one_or_list({**INTEGER, "minimum": 1}, 2)]
"""Height and width in pixels; one number means both."""

ResizeSize = Annotated[
    int | tuple[int, int], BeforeValidator(_shorter_side_or_pair), one_or_list({**INTEGER, "minimum": 1}, 2)
]
"""The shorter side in pixels (the aspect is kept), or height and width."""

Padding = Annotated[
    tuple[int, int, int, int], BeforeValidator(_four_edges), one_or_list({**INTEGER, "minimum": 0}, 2, 4)
]
"""Pixels at left, top, right and bottom; one number or two as in torchvision."""

# The bounds are not pydantic.Field: pydantic before 2.11.10 keeps the default of one field in such a type, and
# then uses it for the next field of that type that has none.
Probability = Annotated[float, Ge(0), Le(1)]
"""A number from 0 to 1."""

PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
PositiveInt = Annotated[int, Ge(1)]
NonNegativeInt = Annotated[int, Ge(0)]

OrderedPair = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]
"""Two positive numbers, the smaller one first."""


def text_matching(pattern: str, expected: str) -> AfterValidator:
    """A validator that a string matches a pattern; ``expected`` describes it in messages: ``a file name``."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise UnexpectedValue(expected, value)
        return value

    return AfterValidator(check)


def text_schema(pattern: str) -> WithJsonSchema:
    """The JSON Schema, for editors, of a string that must match a pattern."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


_LONGEST_NAME = 255
"""The longest name of a file or folder, in bytes, that common file systems support."""

_LONGEST_PATH = 4095
"""The longest path, in bytes, that Linux opens."""


def _found_path(path: Path) -> Path:
    try:
        whole = path.expanduser().absolute()
        parts = [os.fsencode(part) for part in whole.parts]
    except UnicodeEncodeError:
        parts = [b"\0"]
    except RuntimeError:  # ~NAME of a user that does not exist
        raise ParameterError(f"{str(path)!r} is in the folder of a user who does not exist", "Correct it") from None
    fits = all(len(part) <= _LONGEST_NAME and b"\0" not in part for part in parts)
    if not fits or sum(map(len, parts)) + len(parts) > _LONGEST_PATH:
        message = f"no file can have this path: at most {_LONGEST_PATH:,} bytes, each of its names {_LONGEST_NAME}"
        raise ParameterError(message, "Correct it")
    return whole


InputPath = Annotated[Path, AfterValidator(_found_path)]
"""A file or folder that is read; a relative path starts at the current folder."""

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]
WarpInterpolation = Literal["nearest", "bilinear", "bicubic"]
PaddingMode = Literal["constant", "edge", "reflect", "symmetric"]
Fill = Annotated[
    float | tuple[float, ...],
    BeforeValidator(_fill),
    AfterValidator(_whole),
    one_or_list(NUMBER),
]
"""A pixel value in the unit of the image, or one for each channel; a list of one value is that value."""
