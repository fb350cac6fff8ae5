"""Find code that decides something by the wording of a message, from its syntax tree.

A text is a message if it is one of these, or is made of one, or is the parameter of a function of the module that is
called with one:

- what is called so: ``message``, ``remedy``, ``advice``, ``problem.message``, ``call.what``;
- an error as text: ``str(error)``, ``text_of(error)``,
  an f-string with it, ``error.args``. An error is what an ``except`` catches, what is
  annotated as an exception, and what is called ``error``, ``failed`` or ``cause``;
- what ``near()`` or ``str(suggest())`` returns;
- pydantic's ``detail["msg"]`` and ``context["expected"]``.

Found are comparisons of a message, ``in`` it, its slices, and calls that search or divide it. To ask whether there is
one (``if remedy``), to put several together and to strip white space is no decision about words.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

_ATTRIBUTES = {"message", "remedy", "what"}
_NAMES = {"message", "remedy", "advice"}
_ERRORS = {"error", "failed", "cause", "exception"}
_KEYS = {"msg", "expected"}
_METHODS = {"startswith", "endswith", "find", "rfind", "index", "rindex", "count", "replace", "translate"}
_METHODS |= {"partition", "rpartition", "split", "rsplit", "splitlines", "removeprefix", "removesuffix"}
_STILL_TEXT = _METHODS | {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "capitalize", "title", "format"}
_SEARCHES = {"search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "SequenceMatcher", "fnmatch"}
_SEARCHES |= {"closest", "get_close_matches"}
_COMPARED = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Finding(NamedTuple):
    """A place that decides by words: the line, and the code."""

    line: int
    code: str


def findings(source: str) -> list[Finding]:
    """What decides by the wording of a message in the source of a module."""
    module = _Module(ast.parse(source))
    return sorted(set(module.findings()))


class _Module:
    """A module, and which names in each of its functions are messages or errors."""

    def __init__(self, tree: ast.Module) -> None:
        self.functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self.scopes: list[ast.AST] = [tree, *(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))]
        self.messages: dict[int, set[str]] = {id(scope): set() for scope in self.scopes}
        self.errors: dict[int, set[str]] = {id(scope): set(_errors(scope)) for scope in self.scopes}
        self.returning: set[str] = set()
        """Functions of the module that return a message."""
        before = -1
        while (size := self._size()) != before:
            before = size
            for scope in self.scopes:
                self._follow(scope)

    def _size(self) -> int:
        return len(self.returning) + sum(map(len, (*self.messages.values(), *self.errors.values())))

    def _follow(self, scope: ast.AST) -> None:
        """What is assigned, handed to a function of the module, or returned in a scope."""
        for node in _inside(scope):
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._assigned(scope, target, value)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    self._assigned(scope, target, value)
                case ast.AugAssign(target=target, value=value):
                    self._assigned(scope, target, value)
                case ast.NamedExpr(target=target, value=value):
                    self._assigned(scope, target, value)
                case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                    self._assigned(scope, target, value)  # the lines or words of a message
                case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in self.functions:
                    function = self.functions[name]
                    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
                    given = [*zip(names, args, strict=False), *((key.arg, key.value) for key in keywords)]
                    self.messages[id(function)] |= {n for n, value in given if n and self.is_message(scope, value)}
                    self.errors[id(function)] |= {n for n, value in given if n and self.is_error(scope, value)}
                case ast.Return(value=ast.expr() as value) if isinstance(scope, ast.FunctionDef):
                    if self.is_message(scope, value):
                        self.returning.add(scope.name)

    def _assigned(self, scope: ast.AST, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name) and self.is_message(scope, value):
            self.messages[id(scope)].add(target.id)
        elif isinstance(target, ast.Name) and self.is_error(scope, value):
            self.errors[id(scope)].add(target.id)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, part in zip(target.elts, value.elts, strict=False):
                self._assigned(scope, one, part)

    def is_error(self, scope: ast.AST, node: ast.expr) -> bool:
        """Whether an expression is an exception."""
        match node:
            case ast.Name(id=name):
                return name in _ERRORS or name in self.errors[id(scope)]
            case ast.Attribute(attr="__cause__" | "__context__"):
                return True
            case ast.Attribute(value=value):  # such as error.strerror: no text yet, but it is when it is made one
                return self.is_error(scope, value)
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_error(scope, body) or self.is_error(scope, orelse)
            case ast.BoolOp(values=values):
                return any(self.is_error(scope, each) for each in values)
        return False

    def is_message(self, scope: ast.AST, node: ast.expr) -> bool:
        """Whether an expression is a message, or is made of one."""
        match node:
            case ast.Name(id=name):
                return name in _NAMES or name in self.messages[id(scope)]
            case ast.Attribute(attr=name):
                return name in _ATTRIBUTES
            case ast.Subscript(value=value, slice=ast.Constant(value=key)) if key in _KEYS or _are_args(value):
                return key in _KEYS or self.is_error(scope, value.value)  # type: ignore[attr-defined]  # see _are_args
            case ast.Subscript(value=value):
                return self.is_message(scope, value)
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=key), *_]) if key in _KEYS:
                return True
            case ast.Call(func=ast.Name(id="near")):
                return True
            case ast.Call(func=ast.Name(id="str" | "repr" | "text_of"), args=[inner, *_]):
                suggested = isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "suggest"
                return suggested or self.is_error(scope, inner) or self.is_message(scope, inner)
            case ast.Call(func=ast.Name(id=name)):
                return name in self.returning
            case ast.Call(func=ast.Attribute(value=value, attr="join"), args=args):
                return any(self.is_message(scope, each) for each in args)
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in _STILL_TEXT and self.is_message(scope, value)
            case ast.JoinedStr(values=values):
                return any(self.is_message(scope, each) for each in values)
            case ast.FormattedValue(value=value):
                return self.is_error(scope, value) or self.is_message(scope, value)
            case ast.BinOp(left=left, right=right):
                return self.is_message(scope, left) or self.is_message(scope, right)
            case ast.BoolOp(values=values):
                return any(self.is_message(scope, each) for each in values)
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_message(scope, body) or self.is_message(scope, orelse)
            case ast.NamedExpr(value=value):
                return self.is_message(scope, value)
        return False

    def findings(self) -> Iterator[Finding]:
        """The places that decide by words."""
        for scope in self.scopes:
            for node in _inside(scope):
                if self._decides(scope, node):
                    yield Finding(node.lineno, ast.unparse(node).partition("\n")[0])  # type: ignore[attr-defined]  # those that decide have a line

    def _decides(self, scope: ast.AST, node: ast.AST) -> bool:
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                pairs = zip(ops, (left, *others), others, strict=False)
                return any(
                    isinstance(op, _COMPARED) and (self.is_message(scope, one) or self.is_message(scope, other))
                    for op, one, other in pairs
                )
            case ast.Subscript(value=value, slice=ast.Slice() | ast.Constant(value=int()) | ast.UnaryOp()):
                return self.is_message(scope, value)
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=args):
                divides = name in _METHODS and self.is_message(scope, value)
                return divides or (name in (*_SEARCHES, "split") and self._any_message(scope, args))
            case ast.Call(func=ast.Name(id=name), args=args):
                return name in _SEARCHES and self._any_message(scope, args)
            case ast.Match(subject=subject):
                return self.is_message(scope, subject)
        return False

    def _any_message(self, scope: ast.AST, values: list[ast.expr]) -> bool:
        return any(self.is_message(scope, value) for value in values)


def _are_args(value: ast.expr) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "args"


def _inside(scope: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a scope but those of functions inside it; classes belong to the scope around them."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, ast.FunctionDef):
            yield from _inside(child)


def _errors(scope: ast.AST) -> Iterator[str]:
    """The names of exceptions in a scope: those that are caught, and parameters that are annotated so."""
    for node in _inside(scope):
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
    if isinstance(scope, ast.FunctionDef):
        for argument in (*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs):
            words = ast.unparse(argument.annotation) if argument.annotation else ""
            names = {name for part in words.split("|") for name in [part.strip().rpartition(".")[2]]}
            if any(name.endswith(("Error", "Exception", "CheckFailed")) for name in names):
                yield argument.arg
