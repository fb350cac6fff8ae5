"""The order of checks is that of their `after=` alone: any other order that keeps it finds the same problems."""

from __future__ import annotations

import random

import pytest
from corpus import FOLDER, mistakes, problems_of

from registry_core.checks import table
from registry_core.checks.check import Check, in_order

CHECKS = (*table.ERRORS, *table.WARNINGS)


def test_what_a_check_comes_after_is_a_check_of_its_severity() -> None:
    for checks in (table.ERRORS, table.WARNINGS):
        names = {check.name for check in checks}
        assert [(check.name, name) for check in checks for name in check.after if name not in names] == []


def test_a_circle_is_refused() -> None:
    one, other = (
        check._replace(after=(name,)) for check, name in zip(CHECKS[:2], (CHECKS[1].name, CHECKS[0].name), strict=True)
    )
    with pytest.raises(ValueError, match="come after each other"):
        in_order([one, other])


def _shuffled(checks: list[Check], seed: int) -> list[Check]:
    drawn = list(checks)
    random.Random(seed).shuffle(drawn)
    ordered = in_order(drawn)
    assert ordered != checks
    return ordered


@pytest.mark.parametrize("seed", range(4))
def test_another_order_finds_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    chosen = mistakes()[seed::4]
    before = [problems_of(mistake) for mistake in chosen]
    monkeypatch.setattr(table, "ERRORS", _shuffled(table.ERRORS, seed))
    monkeypatch.setattr(table, "WARNINGS", _shuffled(table.WARNINGS, seed))
    found = [problems_of(mistake) for mistake in chosen]
    differing = {
        mistake.name: ([p.code for p in one], [p.code for p in other])
        for mistake, one, other in zip(chosen, before, found, strict=True)
        if {(p.keys, p.code) for p in one} != {(p.keys, p.code) for p in other}
    }
    assert differing == {}
