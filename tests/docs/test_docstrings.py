"""Docstrings begin with their subject: none begins with What, Whether, Where, Those or Who."""

from __future__ import annotations

import re

from conftest import ROOT

_BEGINNING = re.compile(r'"""(What|Whether|Where|Those|Who)\b')


def test_no_docstring_begins_with_a_question_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("registry_core", "plugins")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "tests" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _BEGINNING.search(line)
    ]
    assert found == []
