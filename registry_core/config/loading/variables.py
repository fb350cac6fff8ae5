"""The section ``vars``: fill in variables, within limits, and find those that are missing or not used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from registry_core.config.text.source import MAX_BYTES
from registry_core.config.text.tree import Tree
from registry_core.config.text.yaml_nodes import MAX_NODES, refused
from registry_core.diagnostics import Keys, Place, Problem, near

_VARIABLE = re.compile(r"\$(\$)?\{([^{}]*)\}")


def names_in(data: Any) -> Iterator[str]:
    """The names of the variables that the texts of plain data contain."""
    if isinstance(data, dict):
        for item in data.values():
            yield from names_in(item)
    elif isinstance(data, list):
        for item in data:
            yield from names_in(item)
    elif isinstance(data, str) and "${" in data:
        yield from (found[2] for found in _VARIABLE.finditer(data) if not found[1])


def escaped(data: Any) -> Any:
    """Plain data as a file writes it, in which no text is a variable."""
    if isinstance(data, dict):
        return {key: escaped(value) for key, value in data.items()}
    if isinstance(data, list):
        return [escaped(value) for value in data]
    return _VARIABLE.sub(lambda found: f"${found[0]}", data) if isinstance(data, str) else data


def fill_variables(tree: Tree, file: str, used: set[str], defined: set[str]) -> list[Problem]:
    """Replace the variables in a tree by their values, and return the problems of variables.

    ``file`` is the file that is loaded; ``used`` and ``defined`` are the variables that it and the files that it
    extends use and define. Raises PipelineError if the values of variables expand to too much.
    """
    variables = tree.data.pop("vars", None) or {}
    if not isinstance(variables, dict):
        message = "`vars` must be a mapping from names to values."
        place = tree.place(("vars",))
        return [Problem(message, "Write `vars: {name: value}`.", place, ("vars",), code="variable-value")]
    filling = _Filling(tree, variables)
    tree.data = filling.filled(tree.data, ())
    wrong = [*_wrong_variables(tree, variables), *filling.problems]
    return wrong or list(_not_used(tree, file, variables, used, defined))


class _Filling:
    """Replaces variables by their values, which are counted before they are inserted."""

    def __init__(self, tree: Tree, variables: dict[str, Any]) -> None:
        self.tree = tree
        self.variables = variables
        self.problems: list[Problem] = []
        self.values = 0
        self.characters = 0
        self.sizes: dict[str, tuple[int, int]] = {}
        self.texts: dict[str, str] = {}
        places = {name: tree.place(("vars", name)) for name in variables}
        self.options = {name: place for name, place in places.items() if place is not None and place.line is None}

    def filled(self, value: Any, keys: Keys) -> Any:
        """The value at these keys with variables replaced; unknown ones stay, and are problems."""
        if isinstance(value, dict):
            return {key: self.filled(item, (*keys, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, (*keys, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        named = list(names_in(value))
        unknown = [name for name in dict.fromkeys(named) if name not in self.variables]
        for name in unknown:
            remedy = near(name, self.variables) or "Define it under `vars`, or with `--set vars.NAME=VALUE`."
            message = f"The variable {name!r} is not defined."
            self.problems.append(Problem(message, remedy, self.tree.place(keys), keys, code="unknown-variable"))
        if of_option := next((place for name in named if (place := self.options.get(name))), None):
            self.tree.values[keys] = of_option
        return value if unknown else self.substituted(value, keys)

    def substituted(self, text: str, keys: Keys) -> Any:
        """Fill in variables: a text that is one variable becomes its value, others become text; ``$${`` is ``${``."""
        whole = _VARIABLE.fullmatch(text)
        if whole and not whole[1]:
            self.count(*self.size(whole[2]), keys)
            return self.variables[whole[2]]
        self.count(1, sum(len(self.text(name)) for name in names_in(text)), keys)
        return _VARIABLE.sub(lambda found: f"${{{found[2]}}}" if found[1] else self.text(found[2]), text)

    def text(self, name: str) -> str:
        """The value of a variable as part of a text."""
        if name not in self.texts:
            self.texts[name] = str(self.variables[name])
        return self.texts[name]

    def size(self, name: str) -> tuple[int, int]:
        """The number of values in a variable, and of the characters of its texts."""
        if name not in self.sizes:
            self.sizes[name] = _size(self.variables[name])
        return self.sizes[name]

    def count(self, values: int, characters: int, keys: Keys) -> None:
        self.values += values
        self.characters += characters
        for found, most, what in ((self.values, MAX_NODES, "values"), (self.characters, MAX_BYTES, "characters")):
            if found > most:
                message = f"The variables of the file expand to more than {most:,} {what}."
                raise refused("too-many-values", message, "Use fewer or smaller variables.", self.tree.place(keys))


def _size(value: Any) -> tuple[int, int]:
    if isinstance(value, (dict, list)):
        inner = [_size(item) for item in (value.values() if isinstance(value, dict) else value)]
        return 1 + sum(values for values, _ in inner), sum(characters for _, characters in inner)
    return 1, len(value) if isinstance(value, str) else 0


def _wrong_variables(tree: Tree, variables: dict[str, Any]) -> Iterator[Problem]:
    for name, value in variables.items():
        keys: Keys = ("vars", name)
        if isinstance(value, dict):
            remedy = "Use a number, a string, a boolean, or a list of these."
            message = f"The variable {name!r} is not a plain value."
            yield Problem(message, remedy, tree.place(keys), keys, code="variable-value")
        elif inner := next(names_in(value), None):
            message = (
                f"The variable {name!r} contains the variable {inner!r}, but variables are not filled into others."
            )
            remedy = "Use a number, a string, a boolean, or a list of these."
            yield Problem(message, remedy, tree.place(keys), keys, code="variable-value")


def _not_used(tree: Tree, file: str, variables: dict[str, Any], used: set[str], defined: set[str]) -> Iterator[Problem]:
    """The variables that nothing uses; one that an extended file defines may be for other files that extend it."""
    for name in variables:
        keys: Keys = ("vars", name)
        place = tree.place(keys, of_key=True)
        if name in used or place is None:
            continue
        if place.line is None and name not in defined:
            yield _unknown_override(name, place, used | defined)
        elif place.line is None or place.source == file:
            remedy = f"Write ${{{name}}} where it is meant, or remove it."
            message = f"The variable {name!r} is not used."
            yield Problem(message, remedy, place, keys, code="unused-variable", warning=True)


def _unknown_override(name: str, place: Place, known: set[str]) -> Problem:
    message = f"The variable {name!r} is neither defined nor used by the file."
    remedy = near(name, known) or "Remove the option: the file has no variables."
    return Problem(message, remedy, place, ("vars", name), code="unknown-variable")
