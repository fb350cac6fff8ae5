"""The structure of the core: no import circle, functions that fit a screen, few parameters, a contract a room."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp
import networkx
import pytest
from conftest import ROOT

CORE = ROOT / "registry_core"
LONGEST_FUNCTION = 40
MOST_PARAMETERS = 6

COMMANDS = "click passes every option of a command as a parameter"
MANY_PARAMETERS = {
    "cli/validate.py:command": COMMANDS,
    "cli/whiten.py:command": COMMANDS,
}
"""Functions with more parameters than others may have, each with the reason."""


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph("registry_core", cache_dir=None)
    imports = networkx.DiGraph()
    for module in graph.modules:
        imports.add_edges_from((module, imported) for imported in graph.find_modules_directly_imported_by(module))
    assert [sorted(circle) for circle in networkx.strongly_connected_components(imports) if len(circle) > 1] == []


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(CORE)}:{node.name}", node


def test_functions_fit_a_screen() -> None:
    lengths = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in functions()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_functions_have_few_parameters() -> None:
    found = {name for name, node in functions() if _parameters(node) > MOST_PARAMETERS}
    assert found == set(MANY_PARAMETERS), "give a reason, or make a value of what belongs together"


def _parameters(node: ast.FunctionDef) -> int:
    arguments = node.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def test_files_are_not_long() -> None:
    lengths = {str(path.relative_to(CORE)): len(path.read_text().splitlines()) for path in CORE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_room_has_a_contract() -> None:
    contracts: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    in_order = {name.strip() for layer in layers for name in layer.split("|")}
    rooms = {f"registry_core.{path.name}" for path in CORE.iterdir() if (path / "__init__.py").exists()}
    assert rooms <= in_order
    named = " ".join(str(contract) for contract in contracts if contract["type"] == "forbidden")
    assert [room for room in sorted(rooms) if f"'{room}'" not in named] == [], "each room has a contract of its own"


@pytest.mark.parametrize("room", ["assembly", "engine"])
def test_what_runs_imports_no_check(room: str) -> None:
    graph = grimp.build_graph("registry_core", cache_dir=None)
    own = [module for module in graph.modules if module.startswith(f"registry_core.{room}")]
    imported = {each for module in own for each in graph.find_modules_directly_imported_by(module)}
    assert not {module for module in imported if module.startswith("registry_core.checks")}


def test_no_class_is_a_bare_participle() -> None:
    """Names of classes are nouns: ``TrainedModel``, not ``Trained``."""
    found = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
            one_word = isinstance(node, ast.ClassDef) and sum(letter.isupper() for letter in node.name) == 1
            if one_word and node.name.endswith("ed"):
                found.add(node.name)
    assert found <= {"Loaded"}
