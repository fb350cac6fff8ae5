"""The table of codes: it has every code that the source gives to a problem, each with an explanation, and no other."""

from __future__ import annotations

import ast
import re

import pytest
from codes import SOURCE, source_codes
from conftest import ROOT
from corpus import FOLDER, mistakes, problems_of

from registry_core.diagnostics.codes import CODES, THEMES
from registry_core.diagnostics.explanations import by_theme, explanation

TEXTS = SOURCE / "diagnostics" / "explanations"


def test_the_table_has_every_code_of_the_source_and_no_other() -> None:
    used = source_codes() | source_codes(ROOT / "plugins" / "builtin" / "registry_builtin")
    assert {code: place for code, place in used.items() if code not in CODES} == {}, "add a row to diagnostics/codes.py"
    assert set(CODES) - set(used) == set(), "nothing has these codes any more"
    assert len(used) > 60, "the codes are still found in the source"


def test_every_code_has_an_explanation() -> None:
    assert {path.stem for path in TEXTS.iterdir()} == set(CODES), "write registry_core/diagnostics/explanations/CODE.md"


def test_a_theme_that_a_text_repeats_is_that_of_the_table() -> None:
    for code, row in CODES.items():
        theme = re.search(r"^Theme: (.+)$", TEXTS.joinpath(f"{code}.md").read_text(), re.MULTILINE)
        assert theme is None or theme[1] == row.theme, code
        assert (explanation(code).theme, explanation(code).severity) == (row.theme, row.severity)


def test_codes_are_listed_theme_by_theme() -> None:
    assert [each.code for explained in by_theme().values() for each in explained] == list(CODES)
    assert list(by_theme()) == list(THEMES)
    assert all(len(explained) > 1 for explained in by_theme().values())


def test_no_problem_is_without_a_code() -> None:
    calls = [
        (f"{path.relative_to(SOURCE)}:{node.lineno}", node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
    ]
    assert [place for place, call in calls if "code" not in {keyword.arg for keyword in call.keywords}] == []
    assert len(calls) > 20, "they are still found in the source"


def test_problems_are_as_severe_as_their_code_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    found = {(problem.code, problem.warning) for mistake in mistakes() for problem in problems_of(mistake)}
    for code, warning in sorted(found):
        assert CODES[code].severity in ("warning" if warning else "error", "error or warning"), code
    assert len(found) > 60
