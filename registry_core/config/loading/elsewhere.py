"""Find the right section of misplaced keys in the models of the file and its components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from registry_core.catalog import KINDS, installed
from registry_core.components import Component
from registry_core.components.base import file_keys
from registry_core.config.loading.annotations import is_sequence, model_in
from registry_core.config.loading.messages import TOP
from registry_core.config.loading.resolve import component_class
from registry_core.config.models import Spec
from registry_core.config.text.fixes import value_at
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, Problem, RegistryError, dotted
from registry_core.registry.registries import registry_of

_SURELY_MISSPELT = 0.85
"""Minimum similarity to a key of this section at which a key is misspelt, though another section has its name."""


class Homes:
    """The right sections of the misplaced keys of one file."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    @cached_property
    def components(self) -> list[tuple[Keys, type[Component]]]:
        """The components written in the file, each with the keys of its parameters."""
        return list(_components_here(self.tree))

    def told(self, problem: Problem) -> Problem:
        """The problem of an unknown key, with its right section if there is one."""
        if problem.suggestion is None:  # the key is not unknown, or its meaning is known
            return problem
        keys = problem.keys
        if keys not in self.tree.keys or (problem.fix is not None and _is_misspelt(problem.fix.old, problem.fix.new)):
            return problem
        name = str(keys[-1])
        if homes := list(dict.fromkeys(_homes(name, keys, self.components))):
            remedy = f"It belongs {' or '.join(homes[:2])}: move it there."
            return problem._replace(remedy=remedy, fix=None, suggestion=None)
        if problem.code == "unknown-parameter" and (homes := list(_sections_with(name, keys))):
            return problem._replace(remedy=f"{problem.remedy} A key of this name belongs {homes[0]}.")
        return problem


def intended(problem: Problem) -> Keys | None:
    """The keys of the value that a misspelt key was probably meant for."""
    if problem.code in ("unknown-key", "unknown-parameter") and problem.fix:
        return (*problem.keys[:-1], problem.fix.new)
    return None


def _is_misspelt(old: str, new: str) -> bool:
    return SequenceMatcher(None, old.lower(), new.lower()).ratio() >= _SURELY_MISSPELT


def _homes(name: str, keys: Keys, components: Sequence[tuple[Keys, type[Component]]]) -> Iterator[str]:
    """Describe the valid positions of a key: in the same section, else in another, else in a component."""
    if name in TOP and len(keys) > 1:
        yield "at the top of the file"
    around = [
        (at, _shared(at, keys)) for at, declaration in components if name in file_keys(declaration) and at != keys[:-1]
    ]
    inside_component = any(keys[:-1] == at for at, _ in components)
    sections = list(_sections_with(name, keys))
    near = [pair for pair in around if pair[1] and not inside_component]
    if near:
        yield f"under `{dotted(max(near, key=lambda pair: pair[1])[0])}`"
    elif sections and not inside_component:
        yield from sections
    elif inside_component:
        yield from (home for home, path in _sections_by_path(name, keys) if path[0] == keys[0])
    elif alone := [at for at, _ in around if not any(isinstance(key, int) for key in at)]:
        yield f"under `{dotted(alone[0])}`"
    else:
        yield from _as_component(name)


def _sections_with(name: str, keys: Keys) -> Iterator[str]:
    return (home for home, _ in _sections_by_path(name, keys))


def _sections_by_path(name: str, keys: Keys) -> Iterator[tuple[str, Keys]]:
    for path in sorted((keys for keys, _ in _sections(Spec, ())), key=len):
        if path[-1] == name and path != keys:
            yield (f"under `{dotted(path[:-1])}`" if len(path) > 1 else "at the top of the file"), path


def _shared(one: Keys, other: Keys) -> int:
    """The number of leading keys that two paths have in common."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _components_here(tree: Tree) -> Iterator[tuple[Keys, type[Component]]]:
    """The components written in the file, each with the keys of its parameters."""
    for keys in tree.values:
        base = component_class(Spec, keys)
        if base is None:
            continue
        value = value_at(tree.data, keys)
        name = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else value
        try:
            yield (*keys, str(name)), registry_of(base)[str(name)]
        except RegistryError:  # the component itself is reported
            continue


def _sections(model: type[BaseModel], keys: Keys) -> Iterator[tuple[Keys, Any]]:
    """The paths of all keys of the file outside components and lists, each with its annotation."""
    for name, field in model.model_fields.items():
        yield (*keys, name), field.annotation
        inner = model_in(field.annotation)
        if inner is not None and not issubclass(inner, Component) and not is_sequence(field.annotation):
            yield from _sections(inner, (*keys, name))


def _as_component(name: str) -> Iterator[str]:
    """Describe the lists of the file that accept a component of this name."""
    for kind, where in _lists().items():
        if any(record.name == name for record in installed().of_kind(kind)):
            yield f"in the list {where}, because it is {KINDS[kind].one}"


def _lists() -> dict[str, str]:
    """Descriptions of the lists of components outside other components, by the kind of their items."""
    found: dict[str, dict[str, str]] = {}
    for keys, annotation in _sections(Spec, ()):
        item = model_in(annotation)
        if item is not None and issubclass(item, Component) and is_sequence(annotation):
            found.setdefault(item.kind, {})[f"`{keys[-1]}`"] = " of a section of the data" if keys[:-1] else ""
    return {kind: " or ".join(names) + next(iter(names.values())) for kind, names in found.items()}
