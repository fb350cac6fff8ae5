"""Warnings that a file silences: a code, everywhere or at one place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, InstanceOf, PlainSerializer, WithJsonSchema

from registry_core.components import ParameterError, UnexpectedValue
from registry_core.config.text.key_path import flat, split_path
from registry_core.diagnostics import Keys, Problem, dotted, near


@dataclass(frozen=True)
class IgnoreEntry:
    """A silenced warning: its code, and the keys of the value that it is about; no keys: the whole file."""

    code: str
    at: Keys = ()

    def covers(self, code: str, keys: Keys) -> bool:
        """True for a warning with this code at this place or below it."""
        at = flat(self.at)
        return code == self.code and flat(keys)[: len(at)] == at

    @property
    def written(self) -> str | dict[str, str]:
        """The form in a file."""
        return {self.code: dotted(self.at)} if self.at else self.code


def _read(value: Any) -> Any:
    if isinstance(value, IgnoreEntry):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((code, place),) = value.items()
        if isinstance(place, str) and place:
            return IgnoreEntry(_code(code), _keys(place))
    if not isinstance(value, str):
        expected = "the code of a warning, or {CODE: PLACE} such as {random-evaluation: data.val}"
        raise UnexpectedValue(expected, value)
    return IgnoreEntry(_code(value))


def _code(written: Any) -> str:
    from registry_core.diagnostics.codes import CODES  # few files silence a warning

    warnings = [row.name for row in CODES.values() if row.severity != "error"]
    if written in warnings:
        return str(written)
    if written in CODES:
        raise ParameterError(f"{written!r} is the code of an error, which cannot be ignored", "Correct the mistake")
    raise ParameterError(f"{written!r} is not the code of a warning", near(str(written), warnings).rstrip("."))


def _keys(place: str) -> Keys:
    """The keys of a place as written: ``data.train.transforms[0]``, or with ``.0``, as ``--set`` writes it."""
    steps, rest = split_path(place)
    if rest:
        raise UnexpectedValue("the place of a warning, such as data.train.transforms[0]", place)
    return tuple(step.key for step in steps)


def _few(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and len(value) > _MOST:
        raise ParameterError(f"at most {_MOST:,} warnings can be ignored, not {len(value):,}")
    return value


_MOST = 1000
_SCHEMA = {
    "anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 1}]
}

IgnoredWarning = Annotated[InstanceOf[IgnoreEntry], BeforeValidator(_read), WithJsonSchema(_SCHEMA)]
"""Written as a code, ``same-data``, or with a place, ``{same-data: data.val}``."""

IgnoredWarnings = Annotated[
    tuple[IgnoredWarning, ...],
    BeforeValidator(_few),
    PlainSerializer(lambda ignored: [each.written for each in ignored]),
    WithJsonSchema({"type": "array", "items": _SCHEMA}),
]
"""A list of such warnings, which is not too long: what each wrong one was meant to be is looked for."""


def silenced(ignored: Sequence[IgnoreEntry], problems: Iterable[Problem]) -> list[Problem]:
    """The problems without the warnings that ``ignore`` silences."""
    return [
        problem
        for problem in problems
        if not (problem.warning and any(each.covers(problem.code, problem.keys) for each in ignored))
    ]
