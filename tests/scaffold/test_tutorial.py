"""The tutorial does what it says: walked through in a virtual environment, it makes plugins/example."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from conftest import ROOT
from tutorial import EXAMPLE, NAME, PAGE, Command, Edit, steps, tree
from virtual_environment import environment, venv_with_all_of_this

pytestmark = pytest.mark.exhaustive

STEPS = steps(PAGE.read_text())
COMMANDS = [step for step in STEPS if isinstance(step, Command)]
EDITS = [step for step in STEPS if isinstance(step, Edit)]

SCRIPTS = {
    "registry-core": '-c "from registry_core.cli.main import main; main()"',
    "pip": "-m pip",
    "pytest": "-m pytest",
}
"""What pip would have put into the virtual environment, had all of this been installed there."""

WITHOUT_NETWORK = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has activated a virtual environment."""
    python = venv_with_all_of_this(tmp_path / "venv")
    for name, arguments in SCRIPTS.items():
        script = python.with_name(name)
        script.write_text(f'#!/bin/sh\nexec "{python}" -P {arguments} "$@"\n')
        script.chmod(0o755)
    found = environment()
    return {**found, **WITHOUT_NETWORK, "PATH": f"{python.parent}:{found['PATH']}"}


def test_it_does_what_it_says(tmp_path: Path, variables: dict[str, str]) -> None:
    try:
        distribution(NAME)
    except PackageNotFoundError:
        folder = tmp_path
    else:
        pytest.skip(f"{NAME} is installed here already; its tutorial would not begin")
    for step in STEPS:
        if isinstance(step, Edit):
            step.apply(folder)
            continue
        done = subprocess.run(
            ["sh", "-c", f"{step.line}\nended=$?; pwd > '{tmp_path}/pwd'; exit $ended"],
            cwd=folder,
            env=variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == step.exit_code, f"$ {step.line}\n{done.stdout}"
        assert step.prints_this(done.stdout), f"$ {step.line}\n{done.stdout}"
        folder = Path((tmp_path / "pwd").read_text().strip())
    (wheel,) = (folder / "dist").iterdir()
    assert f"`dist/{wheel.name}`" in PAGE.read_text()
    assert tree(folder) == tree(EXAMPLE), "Run: python tests/tutorial.py"


def test_it_is_as_long_as_it_says() -> None:
    found = re.search(r"It takes (\d+) commands, and you write (\d+) lines\.", PAGE.read_text())
    assert found is not None
    assert (int(found[1]), int(found[2])) == (len(COMMANDS), sum(edit.lines for edit in EDITS))
    assert f"{found[1]} commands, {found[2]} lines." in (ROOT / "README.md").read_text()


def test_every_block_is_tried() -> None:
    """Those that a reader would type or copy; the others show what is there."""
    page = PAGE.read_text()
    assert len(re.findall(r"^```(?:console|diff)$", page, re.MULTILINE)) == page.count("<!-- ")
    assert {command.line.partition(" ")[0] for command in COMMANDS} == {"registry-core", "cd", "pip", "pytest"}


def test_what_it_quotes_is_in_the_example() -> None:
    (quoted,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert quoted in (EXAMPLE / "pyproject.toml").read_text()
