"""Read the sections `requires` and `prefer`: required distributions, and those preferred for names in conflict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from registry_core.catalog import KINDS, Preferences, installed
from registry_core.catalog.policy import normalised
from registry_core.config.loading.versions import found_instead, install_command
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import Keys, PipelineError, Problem, format_value, near
from registry_core.diagnostics.printable import printable

_LONGEST_SPECIFIER = 200
"""The maximum length of a version specifier: Python refuses to read numbers of thousands of digits."""


def check_required(tree: Tree) -> None:
    """Raise PipelineError, with the pip command to run, if a distribution under `requires` is not installed."""
    required = tree.data.get("requires") if isinstance(tree.data, dict) else None
    if not isinstance(required, Mapping):  # a wrong form is reported with all other problems
        return
    problems = [problem for name, wanted in required.items() if (problem := _unmet(tree, name, wanted))]
    if problems:
        raise PipelineError(problems)


def _unmet(tree: Tree, name: str, wanted: Any) -> Problem | None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    keys: Keys = ("requires", name)
    if not isinstance(wanted, str):
        return None
    try:
        if len(wanted) > _LONGEST_SPECIFIER:
            raise InvalidSpecifier
        specifier = SpecifierSet(wanted)
    except InvalidSpecifier:
        message = f"{format_value(wanted)} is not a version specifier."
        remedy = "Write a specifier such as '>=1' or '~=1.4', or '' for any version."
        return Problem(message, remedy, tree.place(keys), keys, code="version-specifier")
    found = found_instead(name, specifier)
    if found is None:
        return None
    message = f"This pipeline requires {name} {wanted}, but {found} is installed."
    if not found:
        message = f"This pipeline requires {printable(name)}, which is not installed."
    remedy = install_command([f"{name}{wanted}"]) or "Install it, if you know what it is."
    return Problem(message, remedy, tree.place(keys, of_key=True), keys, code="missing-requirement")


def preferences(tree: Tree) -> tuple[Preferences, list[Problem]]:
    """The preferred distributions by ``kind/name``, and the problems of `prefer`."""
    written = tree.data.get("prefer") if isinstance(tree.data, dict) else None
    if not isinstance(written, Mapping):
        return {}, []
    prefer = {key: normalised(value) for key, value in written.items() if isinstance(value, str)}
    return prefer, list(_wrong_preferences(tree, prefer))


def _wrong_preferences(tree: Tree, prefer: Preferences) -> Iterator[Problem]:
    for key, distribution in prefer.items():
        keys: Keys = ("prefer", key)
        kind, slash, name = key.partition("/")
        if not slash or kind not in KINDS:
            message = f"{key!r} is not KIND/NAME."
            remedy = f"Write it as in `{kind}/focal`." if kind in KINDS else near(kind, KINDS)
            yield Problem(message, remedy, tree.place(keys, of_key=True), keys, code="preference")
            continue
        claims = {record.distribution for record in installed().of_kind(kind) if record.name == name}
        if distribution not in claims:
            message = f"{distribution!r} does not register the {kind} {name!r}."
            remedy = near(distribution, claims) or "Remove it, or install a distribution that registers it."
            yield Problem(message, remedy, tree.place(keys), keys, code="preference")
