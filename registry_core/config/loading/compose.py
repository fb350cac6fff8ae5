"""Compose a pipeline from its file, the files that it extends, options and ``vars``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from registry_core.config.text.tree import Tree, read_file, read_value
from registry_core.config.text.yaml_nodes import refused
from registry_core.diagnostics import Keys, PipelineError, Place, Problem, near

IsComponent = Callable[[Keys], bool]
"""True if the keys lead to a component: a mapping with another name replaces it instead of merging."""

ReadTree = Callable[[Path], Tree]
"""Returns the tree of a pipeline file."""

_VERSION = re.compile("v[1-9][0-9]*")
_VARIABLE = re.compile(r"\$(\$)?\{([^}]*)\}")


def compose(
    path: Path, overrides: Sequence[str], is_component: IsComponent, read: ReadTree = read_file
) -> tuple[Tree, list[Problem]]:
    """Merge the pipeline in ``path`` with the files that it extends and ``KEY=VALUE`` options, and fill in variables.

    ``read`` returns the tree of each file: files need not be written yet.

    Raises PipelineError if there is no usable tree; other problems are returned with the tree.
    """
    tree = _extended(path, is_component, (), read)
    problems: list[Problem] = []
    for override in overrides:
        try:
            _set(tree, override, is_component)
        except PipelineError as error:
            problems += error.problems
    if tree.data == {}:
        raise refused("root-form", "The file is empty.", "Start with `version: 1`.", tree.place(()))
    if (outer := _all_under(tree.data)) is not None:
        message = f"All sections are nested under {outer!r}."
        raise refused("root-form", message, "Move them to the top of the file.", tree.place((outer,), of_key=True))
    return tree, [*problems, *_fill_variables(tree)]


def _all_under(data: dict[str, Any]) -> str | None:
    """The single key of a file that contains the whole pipeline, if there is one."""
    outer, inner = next(iter(data.items()))
    return outer if len(data) == 1 and isinstance(inner, dict) and "version" in inner else None


def _extended(path: Path, is_component: IsComponent, above: tuple[Path, ...], read: ReadTree) -> Tree:
    tree = read(path)
    if not isinstance(tree.data, dict):
        place = tree.place(())
        raise refused("root-form", "A pipeline file must be a mapping of sections.", "Start with `version: 1`.", place)
    base_name = tree.data.pop("extends", None)
    if base_name is None:
        return tree
    place = tree.place(("extends",))
    if not isinstance(base_name, str):
        raise refused("extends", "`extends` must be the path of one pipeline file.", "Write a path.", place)
    base_path = path.parent / base_name
    try:
        itself, there = base_path.resolve() in {file.resolve() for file in (path, *above)}, base_path.exists()
    except (OSError, ValueError, RuntimeError):  # a name that is too long, has a zero byte, or is a cycle of links
        itself = there = False
    if itself:
        raise refused("extends", f"{base_name!r} extends itself.", "Remove one `extends` from the cycle.", place)
    if not there:
        message = f"The extended file {base_name!r} does not exist."
        raise refused("extends", message, "Check the path, which is relative to the folder of this file.", place)
    if base_path.is_dir():
        raise refused("extends", f"{base_name!r} is a folder.", "Name a pipeline file in it.", place)
    base = _extended(base_path, is_component, (path, *above), read)
    _overlay(base, tree, (), is_component)
    return base


def _overlay(base: Tree, over: Tree, keys: Keys, is_component: IsComponent) -> None:
    """Merge the value of ``over`` at ``keys`` into ``base``: mappings merge, anything else replaces."""
    below, above = _at(base.data, keys), _at(over.data, keys)
    if not isinstance(above, dict) or not isinstance(below, dict) or _other_component(below, above, keys, is_component):
        _replace(base, over, keys)
        return
    base.values[keys] = over.values[keys]
    for key in above:
        if key in below:
            base.keys[(*keys, key)] = over.keys[(*keys, key)]
            _overlay(base, over, (*keys, key), is_component)
        else:
            _replace(base, over, (*keys, key))


def _other_component(below: dict[str, Any], above: dict[str, Any], keys: Keys, is_component: IsComponent) -> bool:
    return is_component(keys) and set(below) != set(above)


def _replace(base: Tree, over: Tree, keys: Keys) -> None:
    for places in (base.values, base.keys):
        for old in [path for path in places if path[: len(keys)] == keys]:
            del places[old]
    base.values.update({path: place for path, place in over.values.items() if path[: len(keys)] == keys})
    base.keys.update({path: place for path, place in over.keys.items() if path[: len(keys)] == keys})
    if keys:
        _at(base.data, keys[:-1])[keys[-1]] = _at(over.data, keys)
    else:
        base.data = over.data


def _at(data: Any, keys: Keys) -> Any:
    for key in keys:
        data = data[key]
    return data


def _set(tree: Tree, override: str, is_component: IsComponent) -> None:
    """Apply one ``--set a.b.0.c=VALUE``; numbers in the key are list indices, from 0."""
    name, equals, text = override.partition("=")
    place = Place(f"--set {override}")
    if not equals or not all(name.split(".")):
        raise refused("set-option", "`--set` expects KEY=VALUE.", "Write it as in `--set train.epochs=3`.", place)
    keys: Keys = ()
    data: Any = tree.data
    *parents, last = _steps(name, is_component)
    for part in parents:
        key = _key(data, part, place)
        found: Any = data
        inner = found[key] if isinstance(data, list) or key in data else None
        below = _mapping_over(inner, (*keys, key), is_component)
        if below is not inner:
            tree.values[(*keys, key)] = place
        data[key] = inner = below
        keys, data = (*keys, key), inner
        if (
            is_component(keys)
            and isinstance(data, dict)
            and len(parents) > len(keys)
            and parents[len(keys)] not in data
        ):
            data.clear()  # another component does not keep these parameters
    key = _key(data, last, place)
    data[key] = read_value(text)
    keys = (*keys, key)
    for places in (tree.values, tree.keys):
        for old in [path for path in places if path[: len(keys)] == keys]:
            del places[old]
    tree.values[keys] = tree.keys[keys] = place


def keys_of_option(override: str, is_component: IsComponent) -> Keys:
    """The keys of the value that ``--set KEY=VALUE`` sets."""
    steps = _steps(override.partition("=")[0], is_component)
    return tuple(int(step) if step.isdigit() else step for step in steps)


def _steps(name: str, is_component: IsComponent) -> list[str]:
    """Split a dotted key; the version of a component, as in ``focal.v2``, is a part of its name."""
    steps: list[str] = []
    for part in name.split("."):
        above: Keys = tuple(int(step) if step.isdigit() else step for step in steps[:-1])
        if steps and _VERSION.fullmatch(part) and is_component(above):
            steps[-1] += f".{part}"
        else:
            steps.append(part)
    return steps


def _key(data: Any, part: str, place: Place) -> str | int:
    if not isinstance(data, list):
        return part
    if part.isdigit() and int(part) < len(data):
        return int(part)
    raise refused("set-option", f"{part!r} is not an index of this list of {len(data)}.", "Count items from 0.", place)


def _mapping_over(inner: Any, keys: Keys, is_component: IsComponent) -> Any:
    """The container for an option: the existing mapping or list, or a new mapping that replaces anything else."""
    if isinstance(inner, (dict, list)):
        return inner
    return {inner: {}} if isinstance(inner, str) and is_component(keys) else {}


def _fill_variables(tree: Tree) -> list[Problem]:
    variables = tree.data.pop("vars", None) or {}
    if not isinstance(variables, dict):
        message = "`vars` must be a mapping from names to values."
        return [
            Problem(message, "Write `vars: {name: value}`.", tree.place(("vars",)), ("vars",), code="variable-value")
        ]
    problems = _wrong_variables(tree, variables)
    places = {name: tree.place(("vars", name)) for name in variables}
    options = {name: place for name, place in places.items() if place is not None and place.line is None}

    def fill(value: Any, keys: Keys) -> Any:
        if isinstance(value, dict):
            return {key: fill(item, (*keys, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item, (*keys, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        unknown = [m[2] for m in _VARIABLE.finditer(value) if not m[1] and m[2] not in variables]
        for name in unknown:
            remedy = near(name, variables) or "Define it under `vars`, or with `--set vars.NAME=VALUE`."
            message = f"The variable {name!r} is not defined."
            problems.append(Problem(message, remedy, tree.place(keys), keys, code="unknown-variable"))
        named = [m[2] for m in _VARIABLE.finditer(value) if not m[1]]
        if of_option := next((place for name in named if (place := options.get(name))), None):
            tree.values[keys] = of_option
        return value if unknown else _substitute(value, variables)

    tree.data = fill(tree.data, ())
    return problems


def _wrong_variables(tree: Tree, variables: dict[str, Any]) -> list[Problem]:
    return [
        Problem(
            f"The variable {name!r} is not a plain value.",
            "Use a number, a string, a boolean, or a list of these.",
            tree.place(("vars", name)),
            ("vars", name),
            code="variable-value",
        )
        for name, value in variables.items()
        if isinstance(value, dict) or (isinstance(value, str) and _VARIABLE.search(value))
    ]


def escaped(data: Any) -> Any:
    """Plain data as a file writes it, in which no text is a variable."""
    if isinstance(data, dict):
        return {key: escaped(value) for key, value in data.items()}
    if isinstance(data, list):
        return [escaped(value) for value in data]
    return _VARIABLE.sub(lambda found: f"${found[0]}", data) if isinstance(data, str) else data


def _substitute(text: str, variables: dict[str, Any]) -> Any:
    """Fill in variables: a text that is one variable becomes its value, others become text; ``$${`` is ``${``."""
    whole = _VARIABLE.fullmatch(text)
    if whole and not whole[1]:
        return variables[whole[2]]
    return _VARIABLE.sub(lambda m: f"${{{m[2]}}}" if m[1] else str(variables[m[2]]), text)
