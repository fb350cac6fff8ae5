"""Generated parameters of components: hints, defaults that files can and cannot say, and values in a file."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import inspect
import math
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from registry_core.components import Every


class Mode(enum.Enum):
    SOFT = "soft"


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    ONE = "one"


@dataclasses.dataclass
class Settings:
    """A mutable dataclass: pydantic would copy it, which the lock does not allow."""

    size: int = 3
    lock: Any = dataclasses.field(default_factory=threading.Lock)


class Point(NamedTuple):
    x: int = 1


MISSING = object()


def itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


ODD_DEFAULTS: list[Any] = [
    *(math.inf, -math.inf, math.nan, 10**400, "\ud800", {"\udfff": 1}, {"k" * 2000: 1}, [math.inf], {1: 2, "1": 3}),
    *(nn.ReLU, functional.relu, math, len, Mode.SOFT, Level.LOW, Word.ONE, Settings(), Point(2), MISSING, ...),
    *(torch.float32, torch.device("cpu"), torch.ones(2), np.ones(2), np.float64(0.5), np.bool_(True), nn.Identity()),
    *({1}, frozenset({2}), b"x", 1j, range(3), datetime.date(2020, 1, 2), decimal.Decimal("1.5"), threading.Lock()),
    *((1, 2), [(1, 2)], {"a": (1,)}, {1: 0.5}, {None: 1}, {True: 1}, {1.5: 1}, {(1, 2): 3}, Path("a/b"), itself()),
    *(collections.OrderedDict(a=1), collections.Counter("aab"), Every(3, "epoch"), inspect.Parameter.empty),
]
WORDS = (
    "null ~ true on << - # ' [ !!int ${x} $${x} $$${x} ${a${b} $ ${ } é .inf -.nan +1 1. 1e3 0x10 0o17 1_000 2024-01-01"
)
TEXTS = (
    st.sampled_from(["", ": ", " x ", '"', "\\", "\\ud83d\\ude00", "\\u0041", "\t", "a\nb", *WORDS.split()])
    | st.sampled_from(["\x7f", "\x85", "\x9f", "\u2028", "\ufeff", "\uffff", "\U0001f600"])
    | st.text(max_size=6)
    | st.text("${}ab\\\n\x85\ufeff", max_size=8)
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 5e-324, 1e22, 1.7e308, 0.1 + 0.2])
WHOLE = st.integers(-(10**300), 10**300) | st.integers(-3, 3) | st.sampled_from([2**53 + 1, -(2**63), 10**300])
SCALARS = st.none() | st.booleans() | WHOLE | NUMBERS | TEXTS
KEYS = TEXTS | st.sampled_from(["on", "null", "1", "1.5", "a.b", "with space", "k" * 999])
DATA = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
HINTS: list[tuple[Any, Any]] = [
    (int, WHOLE),
    (float, NUMBERS | WHOLE.filter(lambda number: abs(number) < 10**300)),
    (bool, st.booleans()),
    (str, TEXTS),
    (Path, TEXTS.filter(lambda text: "\0" not in text)),
    (Any, DATA),
    (inspect.Parameter.empty, DATA),
    (list[int], st.lists(WHOLE, max_size=3)),
    (list[list[str]], st.lists(st.lists(TEXTS, max_size=2), max_size=2)),
    (tuple[int, ...], st.lists(WHOLE, max_size=3)),
    (tuple[float, float], st.lists(NUMBERS, min_size=2, max_size=2)),
    (list[tuple[int, int]], st.lists(st.lists(WHOLE, min_size=2, max_size=2), max_size=2)),
    (tuple[Path, str] | None, st.none() | st.lists(st.sampled_from(["a", "b/c"]), min_size=2, max_size=2)),
    (dict[str, Any], st.dictionaries(KEYS, DATA, max_size=3)),
    (dict[int, float], st.dictionaries(st.integers(-9, 9).map(str), NUMBERS, max_size=3)),
    (dict[float, str], st.dictionaries(st.sampled_from(["0.5", "1e-3", "-2", "3"]), TEXTS, max_size=2)),
    (dict[bool, int], st.dictionaries(st.sampled_from(["true", "false"]), WHOLE, max_size=2)),
    (dict[str, tuple[int, int]], st.dictionaries(KEYS, st.lists(WHOLE, min_size=2, max_size=2), max_size=2)),
    (
        dict[int, dict[str, list[int]]],
        st.dictionaries(st.just("7"), st.dictionaries(KEYS, st.lists(WHOLE), max_size=1)),
    ),
    (int | None, st.none() | WHOLE),
    (int | float | str, WHOLE | NUMBERS | TEXTS),
    (str | list[str], TEXTS | st.lists(TEXTS, max_size=2)),
    (Literal["a", "1e3", 1, 2, None], st.sampled_from(["a", "1e3", 1, 2, None])),
    (Literal[True, "x"], st.sampled_from([True, "x"])),
    (Mode, None),
    (nn.Module, None),
    (Callable[..., Any], None),
    (torch.dtype, None),
    (Sequence[int], st.lists(WHOLE, max_size=2)),
]


class Parameter(NamedTuple):
    """A parameter of a generated component: its hint, its default, and the value in the file, if any is there."""

    hint: Any
    default: Any
    given: Any


NOTHING = object()


@st.composite
def parameters(draw: Any, hints: Sequence[tuple[Any, Any]] = tuple(HINTS)) -> list[Parameter]:
    found = []
    for _ in range(draw(st.integers(1, 5))):
        hint, values = draw(st.sampled_from(hints))
        default = draw(st.sampled_from(ODD_DEFAULTS) | DATA | (values if values is not None else st.none()))
        given = NOTHING if values is None else draw(st.just(NOTHING) | values)
        found.append(Parameter(hint, default, given))
    return found


def plain_class(made_of: Sequence[Parameter]) -> type[nn.Module]:
    """A loss with these parameters, which remembers what it was called with."""

    class Generated(nn.Module):
        def __init__(self, **given: Any) -> None:
            super().__init__()
            self.given = given

        def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(output, target)

    empty = inspect.Parameter.empty
    signature = [
        inspect.Parameter(f"p{number}", inspect.Parameter.KEYWORD_ONLY, annotation=each.hint, default=each.default)
        for number, each in enumerate(made_of)
    ]
    made: Any = Generated
    made.__signature__ = inspect.Signature(signature)
    made.__init__.__annotations__ = {each.name: each.annotation for each in signature if each.annotation is not empty}
    return Generated


def pipeline(made_of: Sequence[Parameter]) -> dict[str, Any]:
    given = {f"p{number}": each.given for number, each in enumerate(made_of) if each.given is not NOTHING}
    missing = {f"p{number}": 1 for number, each in enumerate(made_of) if each.default is inspect.Parameter.empty}
    return {
        "version": 1,
        "data": {"train": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor"]}, "batch_size": 64},
        "model": {"mlp": {"size": 8, "hidden": [4], "num_classes": 10}},
        "loss": {"generated": {**missing, **given}},
        "optim": {"optimizer": {"sgd": {"lr": 0.1}}},
        "train": {"max_steps": 1, "device": "cpu"},
    }


def exactly(left: Any, right: Any) -> bool:
    """True for the same object, or for equal values of equal types."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(exactly, left, right))
    if isinstance(left, dict):
        return exactly([*left.items()], [*right.items()])
    return repr(left) == repr(right)
