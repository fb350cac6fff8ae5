"""Read the summary, location and parameters of a component from its source text, without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from registry_core.catalog.modules import module_file, text_of
from registry_core.catalog.records import Record
from registry_core.catalog.session import in_session

_DOCSTRING = re.compile(r':[ \t]*(?:#[^\n]*)?\n\s+[rR]?("""|\'\'\'|"|\')(.*?)(?:\1|\n)', re.DOTALL)
_DEFINITION = re.compile(r"^(?:class|def|async def) (\w+)", re.MULTILINE)
_FIRST_LINES = 4000
"""The docstring of a class or function begins within this many characters after its name."""


class Location(NamedTuple):
    """Location of a component: a file, and the line (from 1) at which the class or function begins."""

    file: Path
    line: int | None

    def __str__(self) -> str:
        return str(self.file) if self.line is None else f"{self.file}:{self.line}"


def summary_of(record: Record) -> str:
    """The first line of a component's docstring; empty if the source has none."""
    if record.provided or record.is_of_session:
        return record.summary
    module, _, name = record.target.partition(":")
    text = text_of(module)
    start = _definitions(text).get(name)
    if start is None:
        return ""
    end = text.find("\n\n\n", start)  # a class without a docstring must not get the one of the next class
    found = _DOCSTRING.search(text, start, min(start + _FIRST_LINES, len(text) if end < 0 else end))
    return found[2].strip() if found else ""


def location_of(record: Record) -> Location | None:
    """The location of a component's target; None if the source of its module is not installed."""
    if component := in_session(record.target):
        return None if component.file is None else Location(component.file, component.line)
    module, _, name = record.target.partition(":")
    file = module_file(module)
    if file is None:
        return None
    text = text_of(module)
    start = _definitions(text).get(name)
    return Location(file, None if start is None else text.count("\n", 0, start) + 1)


def parameters_of(record: Record) -> dict[str, str]:
    """Maps each parameter of a component to its description, as far as the source shows them."""
    if component := in_session(record.target):
        return dict(component.parameters)
    module, _, name = record.target.partition(":")
    return dict(_parameters(module, name, 0))


_DEPTH = 5
"""Base classes are followed to this depth."""


def _parameters(module: str, name: str, depth: int) -> Iterator[tuple[str, str]]:
    tree = _parsed(text_of(module))
    if tree is None or depth > _DEPTH:
        return
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            yield from _arguments(node)
        elif isinstance(node, ast.ClassDef) and node.name == name:
            for base in node.bases:
                if isinstance(base, ast.Name):
                    yield from _parameters(_home(tree, module, base.id), base.id, depth + 1)
            yield from _fields(node)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """The annotated fields of a class and the arguments of its ``__init__``."""
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if "ClassVar" not in ast.unparse(item.annotation) and not item.target.id.startswith("_"):
                yield item.target.id, _description(item.value)
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            yield from _arguments(item)


def _arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    for argument in (*function.args.args, *function.args.kwonlyargs):
        if argument.arg != "self":
            yield argument.arg, ""


def _description(value: ast.expr | None) -> str:
    for keyword in value.keywords if isinstance(value, ast.Call) else ():
        if keyword.arg == "description" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return ""


def _home(tree: ast.Module, module: str, name: str) -> str:
    """The module that ``name`` is imported from in ``module``, or ``module`` itself."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
            package = module.split(".")[: -node.level] if node.level else []
            return ".".join([*package, *filter(None, [node.module])])
    return module


@cache
def _definitions(text: str) -> dict[str, int]:
    """The offset of each class and function in the text of a module, in characters."""
    return {found[1]: found.start() for found in _DEFINITION.finditer(text)}


@cache
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
