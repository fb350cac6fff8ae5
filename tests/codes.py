"""The codes of mistakes that the source of registry-core has, read from its syntax trees.

A code is a text that becomes the value of something called ``code``: an argument, by name or by its place among the
parameters of a function of that name; what is assigned to it; what a function ``code_of`` or a table ``_CODES`` gives;
or the first part of a row of ``CHECKS`` or ``DOUBTS``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

SOURCE = ROOT / "registry_core"
BUILTIN = ROOT / "plugins" / "builtin" / "registry_builtin"


def source_codes(folder: Path = SOURCE) -> dict[str, str]:
    """Every code of the modules in a folder, with a place where it stands; those of the built-ins with the core's."""
    return {**(_codes_of(BUILTIN) if folder == SOURCE else {}), **_codes_of(folder)}


def _codes_of(folder: Path) -> dict[str, str]:
    trees = {path: ast.parse(path.read_text()) for path in sorted(folder.rglob("*.py"))}
    positions: dict[str, set[int]] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree) if path.parent.name != "cli" else ():  # where a code is that of an exit, too
            for name, place in _code_positions(node):
                positions.setdefault(name, set()).add(place)
    found: dict[str, str] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            for value in _values(node, positions):
                for text in _texts(value):
                    found.setdefault(text, f"{path.relative_to(folder)}:{value.lineno}")
    return found


def _code_positions(node: ast.AST) -> Iterator[tuple[str, int]]:
    """A function with a parameter ``code``: its name, and which argument of a call that is."""
    if isinstance(node, ast.FunctionDef):
        names = [argument.arg for argument in node.args.args if argument.arg != "self"]
        if "code" in names:
            yield node.name, names.index("code")


def _values(node: ast.AST, positions: dict[str, set[int]]) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args, keywords=keywords):
            yield from (keyword.value for keyword in keywords if keyword.arg == "code")
            yield from (args[place] for place in positions.get(name, ()) if place < len(args))
        case ast.Assign(targets=[ast.Name(id="code")], value=value):
            yield value
        case ast.Assign(targets=[ast.Name(id="_CODES")], value=ast.Dict(values=values)):
            yield from values
        case ast.AnnAssign(target=ast.Name(id="CHECKS" | "DOUBTS"), value=ast.Tuple(elts=rows)):
            yield from (row.elts[0] for row in rows if isinstance(row, ast.Tuple))
        case ast.FunctionDef(name="code_of"):
            yield from (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value)


def _texts(value: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    match value:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_texts(body), *_texts(orelse))
        case ast.Call(func=ast.Attribute(attr="get"), args=[_, otherwise]):
            yield from _texts(otherwise)
        case ast.BoolOp(values=values):
            yield from (text for each in values for text in _texts(each))
