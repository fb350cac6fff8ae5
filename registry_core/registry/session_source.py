"""Find the source of classes and functions of a session: of a script, the cells of a notebook or a test."""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple


class Source(NamedTuple):
    """The text of a class or function, with its place."""

    file: Path
    line: int
    text: str


def source_of(thing: Any) -> Source | None:
    """The source of a class or function, decorators included; None for objects, and if Python cannot find it."""
    found = _class_around_its_methods(thing) if inspect.isclass(thing) else None
    if found is not None:
        return found
    try:
        file = inspect.getsourcefile(thing)
        lines, line = inspect.getsourcelines(thing)
    except (OSError, TypeError):  # code typed in, generated, or written in C; objects have no source
        return None
    return Source(Path(file), max(line, 1), "".join(lines)) if file else None


def functions_of(thing: Any) -> Iterator[FunctionType]:
    """The methods of a class, or the function itself, unwrapped from decorators."""
    for found in vars(thing).values() if inspect.isclass(thing) else (thing,):
        bare = found.__func__ if isinstance(found, (classmethod, staticmethod)) else found
        bare = inspect.unwrap(bare) if inspect.isroutine(bare) and not inspect.ismethod(bare) else bare
        if isinstance(bare, FunctionType):
            yield bare


def _class_around_its_methods(thing: type) -> Source | None:
    """Find a class by the lines of its methods: a notebook class does not record the cell that defines it."""
    for function in functions_of(thing):
        if function.__qualname__.rpartition(".")[0] != thing.__qualname__:  # the method is of another class
            continue
        file, line = function.__code__.co_filename, function.__code__.co_firstlineno
        lines = linecache.getlines(file)
        found = [each for each in _classes("".join(lines), thing.__name__) if _begin(each) <= line <= _end(each)]
        if found:
            innermost = max(found, key=_begin)
            return Source(Path(file), innermost.lineno, "".join(lines[_begin(innermost) - 1 : _end(innermost)]))
    return None


def _classes(text: str, name: str) -> list[ast.ClassDef]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # cells of a notebook may contain lines that are not Python
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]


def _begin(node: ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _end(node: ast.ClassDef) -> int:
    return node.end_lineno or node.lineno
