"""Numbers in messages: format a bound, and find the number that a text most likely means."""

from __future__ import annotations

import math
import re
import unicodedata

from registry_core.config.text.tree import read_value

_NUMBER = r"[0-9]{1,300}(?:\.[0-9]{1,300})?"
_FRACTION = re.compile(rf"({_NUMBER})\s*/\s*({_NUMBER})")
_POWER = re.compile(rf"({_NUMBER})\s*(?:\*\*|\^)\s*\(?\s*(-?[0-9]{{1,3}})\s*\)?")
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_THOUSANDS = re.compile(rf"({_NUMBER})\s*[kK]")
_GROUPED = re.compile(r"[-+]?[0-9]{1,3}(?:[_' ][0-9]{3})+|[-+]?[0-9]+(?:_[0-9]+)+")
_COMMA = re.compile(r"[-+]?[0-9]+,[0-9]+")
_BINARY = re.compile(r"0[bB][01]{1,64}")

_LONGEST = 400
"""Longer texts are not taken for numbers."""

_EXACT = 2**53
"""All whole numbers up to this one are exact as floats."""


def bound(number: float) -> str:
    """Format a bound, without a fraction that is zero."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def number_meant(text: str, *, whole: bool) -> str:
    """The number meant by a text that is not a number in YAML, such as ``10_000``, ``1/10`` or ``20 %``; else empty.

    A file that has it in the place of the text, without quotes, has a finite number there, with ``whole`` an integer.
    """
    plain = text.strip("\ufeff \t\n").replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    if len(plain) > _LONGEST:
        return ""
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    written = read_value(plain)
    if type(written) is int or (type(written) is float and not whole):
        return plain
    number = written if type(written) is float else _computed(plain)
    if number is None or not math.isfinite(number) or (whole and not _is_whole(number)):
        return ""
    return str(int(number)) if _is_whole(number) else f"{number:.6g}"


def as_whole(number: float) -> str:
    """A number without a fraction as an integer; empty if it has one, or is too large to be exact."""
    return str(int(number)) if _is_whole(number) else ""


def _is_whole(number: float) -> bool:
    return number.is_integer() and abs(number) < _EXACT


def _computed(text: str) -> float | None:
    if found := _GROUPED.fullmatch(text):
        return float(re.sub("[_' ]", "", found[0]))
    if found := _COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    if found := _PERCENT.fullmatch(text):
        return float(found[1]) / 100
    if found := _THOUSANDS.fullmatch(text):
        return float(found[1]) * 1000
    if found := _BINARY.fullmatch(text):
        return float(int(text[2:], 2))
    if (found := _FRACTION.fullmatch(text)) and float(found[2]):
        return float(found[1]) / float(found[2])
    if (found := _POWER.fullmatch(text)) and float(found[1]):
        return _power(float(found[1]), int(found[2]))
    return None


def _power(base: float, exponent: int) -> float | None:
    try:
        return float(base**exponent)
    except OverflowError:
        return None
