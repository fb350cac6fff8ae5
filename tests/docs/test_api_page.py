"""docs/api.md describes the public names, all of them and no other; its signatures are real, and its cells run."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

import registry_core

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")

RUNNER = """
import json, re, sys
page, printed = sys.stdin.read(), {}

def note(*values):
    printed[sys._getframe(1).f_lineno] = " ".join(map(str, values))

cells = {"print": note}
for cell in re.finditer(r"^```python\\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
    above = page.count("\\n", 0, cell.start(1))
    exec(compile("\\n" * above + cell[1], "docs/api.md", "exec"), cells)
sys.stdout.write(json.dumps(printed))
"""
"""Runs the cells in one session, and notes what each line prints."""


def chapter(title: str) -> str:
    """The text below a heading of the second level."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def described(title: str) -> dict[str, str]:
    """The names that a chapter describes, each with its text."""
    parts = re.split(r"^### (\w+)\n", chapter(title), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def exceptions() -> dict[str, int]:
    """The exceptions of the page with their exit codes."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", chapter("Exceptions"), re.MULTILINE)
    return {name: int(code) for name, code in rows}


FUNCTIONS, TYPES = described("Functions"), described("Types")


def test_the_page_describes_the_public_names_and_no_other() -> None:
    names = [*FUNCTIONS, *TYPES, *exceptions()]
    assert sorted(names) == sorted(registry_core.__all__)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("register", "registries")])
def test_signatures_are_real(name: str) -> None:
    signature = str(inspect.signature(getattr(registry_core, name)))
    assert f"    {name}{plain(signature)}\n" in plain(FUNCTIONS[name])


def plain(text: str) -> str:
    """The text without quotes, which Python puts around annotations."""
    return text.replace("'", "")


@pytest.mark.parametrize("name", [name for name in TYPES if name != "Spec"])
def test_fields_are_all_there(name: str) -> None:
    described_type: Any = getattr(registry_core, name)
    fields = described_type.__dataclass_fields__ if is_dataclass(described_type) else described_type._fields
    assert re.findall(r"^\| `(\w+)` \|", TYPES[name], re.MULTILINE) == list(fields)


@pytest.mark.parametrize("name", exceptions())
def test_exit_codes_are_real(name: str) -> None:
    error = getattr(registry_core, name)
    assert issubclass(error, registry_core.RegistryError)
    raised = error([]) if error is registry_core.PipelineError else error("It is wrong.")
    assert raised.exit_code == exceptions()[name]


def test_the_cells_run_in_an_empty_folder_and_print_what_their_comments_say(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    command = [sys.executable, "-c", RUNNER]
    done = subprocess.run(command, input=PAGE, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    printed = {int(line): text for line, text in json.loads(done.stdout).items()}
    expected = {
        number: found[1]
        for number, line in enumerate(PAGE.splitlines(), 1)
        if (found := re.fullmatch(r" *print\(.*\)  # (.*)", line))
    }
    assert expected
    assert {line: printed[line] for line in expected} == expected
