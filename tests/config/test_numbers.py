"""Which number a text most likely means that is none in YAML."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from registry_core.config.loading.numbers import number_meant
from registry_core.config.text.tree import read_value

MEANT = {
    "1e-3": Decimal("0.001"),
    "\N{MINUS SIGN}2": Decimal(-2),
    "10_000": Decimal(10000),
    "1'000": Decimal(1000),
    "0,5": Decimal("0.5"),
    "20%": Decimal(20) / 100,
    "2.5k": Decimal(2500),
    "1/8": Fraction(1, 8),
    "10**-3": Fraction(10) ** -3,
    "10^4": Fraction(10) ** 4,
}


@pytest.mark.parametrize(("text", "number"), MEANT.items())
def test_a_text_that_stands_for_a_number(text: str, number: Decimal | Fraction) -> None:
    assert read_value(number_meant(text, whole=False)) == pytest.approx(float(number), rel=1e-12)
    whole = number_meant(text, whole=True)
    assert (int(whole) == number) if number == int(number) else whole == ""


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "ten", "", "1/0", "9**999999", "0**-1", "2024-01-31", "1:30"])
def test_a_text_that_stands_for_none(text: str) -> None:
    assert number_meant(text, whole=False) == ""
