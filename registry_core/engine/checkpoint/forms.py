"""The types of values that a checkpoint keeps, besides lists, dictionaries and what JSON has.

Each has a form: a fixed tag, and two functions that take a value apart into simpler values and put it together again.
A file that is read chooses among these tags and nothing else, so that no file can name code. A type is its very type:
a subclass may have more to it than its base, and is not kept.
"""

from __future__ import annotations

import base64
import datetime
import math
import random
import struct
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any


class Unsavable(TypeError):
    """A value that no checkpoint can keep; ``what`` it is, in words, and ``path``, its place in the state."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy or "Keep tensors, arrays and plain data in the state, and make everything else anew."
        self.path = ""

    def __str__(self) -> str:
        return f"{self.path or 'it'} is {self.what}, which cannot be saved in a checkpoint"


@dataclass(frozen=True)
class Form:
    """The form of values of one type: simpler values, which ``apart`` returns and ``together`` is called with."""

    tag: str
    apart: Callable[[Any], Sequence[Any]]
    together: Callable[..., Any]


def is_json(value: Any) -> bool:
    """True for a text, number, truth value or None that JSON keeps as it is."""
    kind = type(value)
    if kind is str:
        return bool(value.isascii() or not _SURROGATES.intersection(value))
    if kind is float:
        return math.isfinite(value)
    if kind is int:
        return bool(value.bit_length() <= _LARGEST)
    return value is None or kind is bool


_LARGEST = 1024
"""The bits of the largest whole number that is kept as decimal digits, whose cost grows with the square."""
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))
"""Halves of characters: two of them in JSON would be read as one character."""

_FACTORIES: dict[str, Any] = {
    "none": None,
    **{kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, list, tuple, set, dict, deque, Counter)},
}
"""The factories of a defaultdict that a checkpoint can keep, by name."""


def _apart_defaultdict(value: Any) -> Sequence[Any]:
    name = next((name for name, factory in _FACTORIES.items() if value.default_factory is factory), None)
    if name is None:
        raise Unsavable("a defaultdict with a factory of its own", "Use list, dict, int or the like as its factory.")
    return name, dict(value)


def _apart_ordered(value: Any) -> Sequence[Any]:
    others = {**vars(value)}
    metadata = others.pop("_metadata", None)  # of the state_dict of a module: the versions of its parts
    if others:
        raise Unsavable("an OrderedDict with attributes")
    return dict(value), metadata


def _ordered(items: Any, metadata: Any) -> Any:
    made: Any = OrderedDict(items)
    if metadata is not None:
        made._metadata = metadata
    return made


def _sorted(value: Any) -> Sequence[Any]:
    try:
        return (sorted(value, key=repr),)  # the order of a set differs from process to process
    except ValueError:  # Python writes no integers of thousands of digits
        return ([*value],)


def _apart_time(value: datetime.time) -> Sequence[Any]:
    return value.hour, value.minute, value.second, value.microsecond, value.tzinfo, value.fold


def _apart_datetime(value: datetime.datetime) -> Sequence[Any]:
    return value.year, value.month, value.day, *_apart_time(value.timetz())


def _time(hour: int, minute: int, second: int, microsecond: int, zone: Any, fold: int) -> datetime.time:
    return datetime.time(hour, minute, second, microsecond, zone, fold=fold)


def _datetime(year: int, month: int, day: int, *time: Any) -> datetime.datetime:
    return datetime.datetime.combine(datetime.date(year, month, day), _time(*time))


def _apart_timezone(value: Any) -> Sequence[Any]:
    offset, name = value.utcoffset(None), value.tzname(None)
    return offset, None if name == datetime.timezone(offset).tzname(None) else name


def _timezone(offset: Any, name: Any) -> Any:
    return datetime.timezone(offset) if name is None else datetime.timezone(offset, name)


def _apart_random(value: random.Random) -> Sequence[Any]:
    version, words, gauss = value.getstate()
    return version, [*words], gauss


def _random(version: Any, words: Any, gauss: Any) -> random.Random:
    made = random.Random()
    made.setstate((version, tuple(words), gauss))
    return made


def encoded(data: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(data).decode("ascii")


def decoded(text: str) -> bytes:
    """The bytes of ``encoded``."""
    return base64.b64decode(text, validate=True)


PYTHON: dict[type, Form] = {
    str: Form("text", lambda v: (v.encode("utf-8", "surrogatepass").hex(),), lambda h: _text(h)),
    float: Form("float", lambda v: (struct.pack(">d", v).hex(),), lambda h: struct.unpack(">d", bytes.fromhex(h))[0]),
    int: Form("int", lambda v: (f"{v:x}",), lambda h: int(h, 16)),
    complex: Form("complex", lambda v: (v.real, v.imag), complex),
    bytes: Form("bytes", lambda v: (encoded(v),), decoded),
    bytearray: Form("bytearray", lambda v: (encoded(v),), lambda text: bytearray(decoded(text))),
    tuple: Form("tuple", lambda v: ([*v],), tuple),
    set: Form("set", _sorted, set),
    frozenset: Form("frozenset", _sorted, frozenset),
    deque: Form("deque", lambda v: ([*v], v.maxlen), deque),
    range: Form("range", lambda v: (v.start, v.stop, v.step), range),
    slice: Form("slice", lambda v: (v.start, v.stop, v.step), slice),
    OrderedDict: Form("ordered", _apart_ordered, _ordered),
    Counter: Form("counter", lambda v: (dict(v),), Counter),
    defaultdict: Form("defaultdict", _apart_defaultdict, lambda name, items: defaultdict(_FACTORIES[name], items)),
    datetime.date: Form("date", lambda v: (v.year, v.month, v.day), datetime.date),
    datetime.datetime: Form("datetime", _apart_datetime, _datetime),
    datetime.time: Form("time", _apart_time, _time),
    datetime.timedelta: Form("timedelta", lambda v: (v.days, v.seconds, v.microseconds), datetime.timedelta),
    datetime.timezone: Form("timezone", _apart_timezone, _timezone),
    Decimal: Form("decimal", lambda v: (str(v),), Decimal),
    Fraction: Form("fraction", lambda v: (v.numerator, v.denominator), Fraction),
    uuid.UUID: Form("uuid", lambda v: (v.hex,), lambda h: uuid.UUID(h)),
    type(Path()): Form("path", lambda v: (str(v),), lambda text: Path(text)),
    random.Random: Form("random", _apart_random, _random),
}
"""The forms of types of Python."""


def _text(written: str) -> str:
    return bytes.fromhex(written).decode("utf-8", "surrogatepass")
