"""Numbers in messages: format a bound, and find the number that a text most likely means."""

from __future__ import annotations

import re

from registry_core.config.text.tree import read_value

_FRACTION = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)")
_POWER = re.compile(r"(\d+(?:\.\d+)?)\s*(?:\*\*|\^)\s*\(?\s*(-?\d+)\s*\)?")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_THOUSANDS = re.compile(r"(\d+(?:\.\d+)?)\s*[kK]")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:[_' ]\d{3})+|[-+]?\d+(?:_\d+)+")
_COMMA = re.compile(r"[-+]?\d+,\d+")


def bound(number: float) -> str:
    """Format a bound, without a fraction that is zero."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def number_meant(text: str, *, whole: bool) -> str:
    """The number meant by a text that is not a number in YAML, such as ``10_000``, ``1/10`` or ``20 %``; else empty."""
    plain = text.strip("\ufeff \t\n").replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")
    if _is_number(plain):
        return _whole(float(plain), plain) if whole else plain
    number = _computed(plain)
    if number is None or (whole and not number.is_integer()):
        return ""
    return str(int(number)) if number.is_integer() else f"{number:.6g}"


def _computed(text: str) -> float | None:
    if found := _GROUPED.fullmatch(text):
        return float(re.sub("[_' ]", "", found[0]))
    if found := _COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    if found := _PERCENT.fullmatch(text):
        return float(found[1]) / 100
    if found := _THOUSANDS.fullmatch(text):
        return float(found[1]) * 1000
    if (found := _FRACTION.fullmatch(text)) and float(found[2]):
        return float(found[1]) / float(found[2])
    if (found := _POWER.fullmatch(text)) and abs(int(found[2])) <= 300 and float(found[1]):
        return _power(float(found[1]), int(found[2]))
    return None


def _power(base: float, exponent: int) -> float | None:
    try:
        return float(base**exponent)
    except OverflowError:
        return None


def _is_number(text: str) -> bool:
    """True if a text without its quotes is a number in YAML; ``nan`` and ``1_000`` are not."""
    return type(read_value(text)) in (int, float)


def _whole(number: float, text: str) -> str:
    return (text if text.lstrip("+-").isdigit() else str(int(number))) if number.is_integer() else ""
