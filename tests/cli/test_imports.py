"""What each command may import: the fast ones must stay fast, and nothing runs because it is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import python

SEEN = """
import json, os, sys
from registry_core.cli.main import main
stdout = os.dup(1)  # a command that prints JSON keeps the stream for itself
sys.argv = ["registry-core", *{arguments!r}]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
heavy = ("torch", "torchvision", "pydantic", "numpy", "PIL", "rich", "yaml", "registry_builtin", "torchmetrics")
os.write(stdout, ("\\nSEEN " + json.dumps([name for name in heavy if name in sys.modules])).encode())
"""


def imported(*arguments: object) -> list[str]:
    """Which heavy packages a command has imported."""
    printed = python(SEEN.format(arguments=[str(argument) for argument in arguments]))
    found: list[str] = json.loads(printed.rpartition("SEEN ")[2])
    return found


@pytest.mark.parametrize("arguments", [["list"], ["list", "loss"], ["list", "--json"], ["--help"], ["train", "--help"]])
def test_list_and_help_import_next_to_nothing(arguments: list[str]) -> None:
    assert imported(*arguments) == []


@pytest.mark.parametrize("arguments", [["explain"], ["explain", "model-input"], ["explain", "--json"]])
def test_explain_imports_next_to_nothing(arguments: list[str]) -> None:
    assert imported(*arguments) == []


def test_upgrade_imports_no_torch(pipeline: Callable[..., Path]) -> None:
    assert set(imported("upgrade", "--check", pipeline())) <= {"pydantic", "yaml", "registry_builtin"}


def test_validate_and_plan_import_no_torch(pipeline: Callable[..., Path]) -> None:
    path = pipeline()
    for arguments in (("validate", path), ("plan", path), ("plan", path, "--json")):
        assert set(imported(*arguments)) <= {"pydantic", "yaml", "registry_builtin"}, arguments


def test_every_built_in_is_declared_without_torch() -> None:
    code = """
import sys
from registry_core.registry.registries import BY_KIND
from registry_core.registry.describe import describe
for registry in BY_KIND.values():
    for name in registry:
        assert describe(registry, name).summary, name
print([name for name in ("torch", "torchvision", "numpy", "PIL") if name in sys.modules])
"""
    assert python(code).strip() == "[]"


def test_the_package_itself_imports_nothing() -> None:
    code = "import sys, registry_core; print([n for n in ('torch', 'pydantic') if n in sys.modules])"
    assert python(code).strip() == "[]"


def test_only_what_a_pipeline_names_is_imported(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    """A distribution that would leave a mark when it is imported is installed, listed, and never imported."""
    site, mark = tmp_path / "site", tmp_path / "mark"
    (site / "nosy-1.0.dist-info").mkdir(parents=True)
    (site / "nosy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: nosy\nVersion: 1.0\n")
    (site / "nosy-1.0.dist-info" / "entry_points.txt").write_text(
        "[registry_core.v1.losses]\nnosy = nosy:Loss\n[registry_core.v1.hooks]\nnosy_hook = nosy:Hook\n"
    )
    (site / "nosy.py").write_text(f"open({str(mark)!r}, 'w').close()\nclass Loss: ...\nclass Hook: ...\n")
    run = """
import sys
sys.path.insert(0, {site!r})
from registry_core.cli.main import main
sys.argv = ["registry-core", *{arguments!r}]
try:
    main()
except SystemExit as ended:
    print("ended with", ended.code)
"""
    for arguments in (
        ["list"],
        ["validate", str(pipeline())],
        ["train", str(pipeline()), "--out", str(tmp_path / "run")],
    ):
        printed = python(run.format(site=str(site), arguments=arguments))
        assert "ended with 0" in printed or "ended with None" in printed, printed
        assert not mark.exists(), arguments
    python(run.format(site=str(site), arguments=["show", "loss/nosy"]))
    assert mark.exists()
