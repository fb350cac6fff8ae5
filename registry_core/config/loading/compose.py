"""Compose a pipeline from its file, the files that it extends, options and ``vars``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from registry_core.config.loading.extending import with_extending
from registry_core.config.loading.overrides import IsComponent, apply_override
from registry_core.config.loading.variables import fill_variables, names_in
from registry_core.config.text.fixes import keys_in, value_at
from registry_core.config.text.source import MAX_BYTES
from registry_core.config.text.tree import Tree, read_file
from registry_core.config.text.yaml_nodes import MAX_NODES, refused
from registry_core.diagnostics import STDIN, Keys, PipelineError, Place, Problem

MAX_FILES = 100
"""A pipeline file and the files that it extends are at most this many."""

ReadTree = Callable[[Path], Tree]
"""Returns the tree of a pipeline file."""


def compose(
    path: Path, overrides: Sequence[str], is_component: IsComponent, read: ReadTree = read_file
) -> tuple[Tree, list[Problem]]:
    """Merge the pipeline in ``path`` with the files that it extends and ``--set`` options, and fill in variables.

    ``read`` returns the tree of each file: files need not be written yet.

    Raises PipelineError if there is no usable tree; other problems are returned with the tree.
    """
    trees = _extended(path, read)
    used = {name for each in trees for name in names_in(_without_vars(each.data))}
    defined = {name for each in trees for name in _names(each.data.get("vars"))}
    tree = _merged(trees, is_component)
    problems: list[Problem] = []
    for override in overrides:
        try:
            apply_override(tree, override, is_component)
        except PipelineError as error:
            problems += error.problems
    if tree.data == {}:
        raise refused("root-form", "The file is empty.", "Start with `version: 1`.", tree.place(()))
    if (outer := _all_under(tree.data)) is not None:
        message = f"All sections are nested under {outer!r}."
        raise refused("root-form", message, "Move them to the top of the file.", tree.place((outer,), of_key=True))
    if overrides:
        used |= set(names_in(_without_vars(tree.data)))
    return tree, [*problems, *fill_variables(tree, str(path), used, defined)]


def _without_vars(data: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in data.items() if key != "vars"}


def _names(variables: Any) -> Iterator[str]:
    yield from variables if isinstance(variables, dict) else ()


def _all_under(data: dict[str, Any]) -> str | None:
    """The single key of a file that contains the whole pipeline, if there is one."""
    outer, inner = next(iter(data.items()))
    return outer if len(data) == 1 and isinstance(inner, dict) and "version" in inner else None


def _extended(path: Path, read: ReadTree) -> list[Tree]:
    """The trees of a file and of the files that it extends, in this order, within the limits of one file."""
    files, trees = [path], [read(path)]
    try:
        while base := _base_of(trees[-1], files):
            files.append(base)
            trees.append(read(base))
            _check_limits(trees, files)
    except PipelineError as error:
        raise PipelineError(with_extending(problem, _extending(files)) for problem in error.problems) from None
    trees[0].extended_by = _extending(files)
    return trees


def _extending(files: Sequence[Path]) -> dict[str, str]:
    """For each file but the first, the one before it, which extends it."""
    return {str(base): str(file) for file, base in pairwise(files)}


def _base_of(tree: Tree, files: Sequence[Path]) -> Path | None:
    """The file that the last of ``files``, with this tree, extends."""
    if not isinstance(tree.data, dict):
        place = tree.place(())
        raise refused("root-form", "A pipeline file must be a mapping of sections.", "Start with `version: 1`.", place)
    name, place = tree.data.pop("extends", None), tree.place(("extends",))
    if name is None:
        return None
    if not isinstance(name, str):
        raise refused("extends", "`extends` must be the path of one pipeline file.", "Write a path.", place)
    path = files[-1].parent / name
    try:
        itself, there = any(path.samefile(file) for file in files if file != STDIN), path.exists()
    except (OSError, ValueError, RuntimeError):  # a name that is too long, has a zero byte, or is a cycle of links
        itself = there = False
    if itself:
        raise refused("extends", f"{name!r} extends itself.", "Remove one `extends` from the cycle.", place)
    if not there:
        message = f"The extended file {name!r} does not exist."
        raise refused("extends", message, "Check the path, which is relative to the folder of this file.", place)
    if path.is_dir():
        raise refused("extends", f"{name!r} is a folder.", "Name a pipeline file in it.", place)
    if not path.is_file():
        raise refused("extends", f"{name!r} is not a regular file.", "Name a pipeline file.", place)
    if len(files) == MAX_FILES:
        message = f"More than {MAX_FILES - 1} files extend each other."
        raise refused("extends", message, "Merge some of them.", place)
    return path


def _check_limits(trees: Sequence[Tree], files: Sequence[Path]) -> None:
    """Refuse files that together exceed the limits of one."""
    for found, most, what in (
        (sum(tree.characters for tree in trees), MAX_BYTES, "characters"),
        (sum(len(tree.values) for tree in trees), MAX_NODES, "values"),
    ):
        if found > most:
            code = "file-too-large" if what == "characters" else "too-many-values"
            message = f"{str(files[0])!r} and the files that it extends have more than {most:,} {what}."
            raise refused(code, message, "Pipeline files are short: keep data in files.", Place(str(files[-1])))


def _merged(trees: Sequence[Tree], is_component: IsComponent) -> Tree:
    """The tree of a file that extends others."""
    *overs, base = trees
    for over in reversed(overs):
        _overlay(base, over, (), is_component)
    base.extended_by = trees[0].extended_by
    return base


def _overlay(base: Tree, over: Tree, keys: Keys, is_component: IsComponent) -> None:
    """Merge the value of ``over`` at ``keys`` into ``base``: mappings merge, anything else replaces."""
    below, above = value_at(base.data, keys), value_at(over.data, keys)
    mappings = isinstance(above, dict) and isinstance(below, dict)
    if mappings and is_component(keys) and set(below) != set(above):
        base.replaced[keys] = base.values[keys]
        mappings = False
    if not mappings:
        _replace(base, over, keys)
        return
    base.values[keys] = over.values[keys]
    for key in above:
        if key in below:
            base.keys[(*keys, key)] = over.keys[(*keys, key)]
            _overlay(base, over, (*keys, key), is_component)
        else:
            _replace(base, over, (*keys, key))


def _replace(base: Tree, over: Tree, keys: Keys) -> None:
    """Put the value of ``over`` at ``keys`` into ``base``, with the places of all in it."""
    for old in keys_in(value_at(base.data, keys), keys):
        base.values.pop(old, None)
        base.keys.pop(old, None)
    value = value_at(over.data, keys)
    for new in keys_in(value, keys):
        base.values[new] = over.values[new]
        if new in over.keys:
            base.keys[new] = over.keys[new]
    if keys:
        value_at(base.data, keys[:-1])[keys[-1]] = value
    else:
        base.data = value
