"""The versions of the pipeline file, and the steps that rewrite a file from one version to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from registry_core.catalog.policy import OWN
from registry_core.config import models
from registry_core.config.loading.resolve import component_class
from registry_core.config.models import Spec
from registry_core.config.text.document import Document, keys_matching
from registry_core.config.text.fixes import corrected, span, value_at
from registry_core.config.text.moving import moved, with_first
from registry_core.config.text.source import text_of_file
from registry_core.config.text.tree import Tree
from registry_core.diagnostics import STDIN, Fix, Keys, PipelineError, Place, Problem, dotted
from registry_core.diagnostics.shell_words import shell_word

DRAFT = 0
"""Version of a file without ``version``, older than the first version."""


class Change(Protocol):
    """A difference between a version and the previous one; its text describes it to users."""

    def edits(self, document: Document) -> Iterable[Fix]:
        """The edits of a document; ValueError, with the reason, if they must be made by hand."""


@dataclass(frozen=True)
class RenameKey:
    """The last of the keys ``old`` is renamed; ``*`` matches any key or item."""

    old: Keys
    new: str

    def __str__(self) -> str:
        return f"`{dotted(self.old)}` is called `{self.new}`"

    def edits(self, document: Document) -> Iterator[Fix]:
        """Rename each matching key."""
        for keys in keys_matching(document.tree, self.old):
            yield _named(document, document.tree.keys[keys], str(keys[-1]), self.new)


@dataclass(frozen=True)
class RenameComponent:
    """A component of registry-core itself is renamed."""

    kind: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"the {self.kind} {self.old!r} is called {self.new!r}"

    def edits(self, document: Document) -> Iterator[Fix]:
        """Rename the component wherever it is used."""
        for _, written, place in _components(document, self.kind):
            if _own_name(written) == self.old:
                yield _named(document, place, written, written.removesuffix(self.old) + self.new)


@dataclass(frozen=True)
class RenameParameter:
    """A parameter of a component is renamed."""

    kind: str
    component: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old!r} of the {self.kind} {self.component!r} is called {self.new!r}"

    def edits(self, document: Document) -> Iterator[Fix]:
        """Rename the key wherever the component has the parameter."""
        for keys, written, _ in _components(document, self.kind):
            place = document.tree.keys.get((*keys, written, self.old))
            if _own_name(written) == self.component and place is not None:
                yield _named(document, place, self.old, self.new)


@dataclass(frozen=True)
class Move:
    """A value moves to another section, which is created if it does not exist."""

    old: Keys
    new: Keys

    def __str__(self) -> str:
        return f"`{dotted(self.old)}` is in `{dotted(self.new)}`"

    def edits(self, document: Document) -> list[Fix]:
        """The edits that remove the value and insert it again."""
        return moved(document, self.old, self.new) if self.old in document.tree.keys else []


@dataclass(frozen=True)
class Step:
    """A step from one version to the next, with the changes in their order."""

    before: int
    changes: tuple[Change, ...] = ()

    @property
    def after(self) -> int:
        """The version of the result."""
        return self.before + 1


STEPS: tuple[Step, ...] = (Step(DRAFT),)
"""All steps, in the order of versions."""


def stepped(text: str, source: str, version: int, steps: Sequence[Step]) -> tuple[str, list[str]]:
    """Rewrite the text of a file of ``version`` for the current version; return it and the changes as sentences.

    A file that extends another one need not have a version, and does not get one. Raises PipelineError for a file
    that cannot be rewritten without loss.
    """
    said: list[str] = []
    for step in steps:
        if step.before < version:
            continue
        for change in step.changes:
            new = _changed(text, source, change, step)
            if new != text:
                said.append(f"Since version {step.after} {change}.")
            text = new
        new = _with_version(Document.of(text, source), step)
        if new != text:
            said.append(f"The file now has version {step.after}.")
        text = new
    return text, said


def _changed(text: str, source: str, change: Change, step: Step) -> str:
    document = Document.of(text, source)
    try:
        new = corrected(text, dict.fromkeys(change.edits(document)))
        Document.of(new, source)
    except (ValueError, PipelineError) as error:
        reason = f": {error}" if isinstance(error, ValueError) else ""
        message = f"Since version {step.after} {change}, but this file cannot be rewritten automatically{reason}."
        problem = Problem(message, "Change the file by hand.", Place(source), code="older-version")
        raise PipelineError([problem]) from None
    return new


def _with_version(document: Document, step: Step) -> str:
    data, keys = document.tree.data, ("version",)
    if keys in document.tree.keys:
        start, end = span(document.text, document.tree.values[keys])
        return corrected(document.text, [document.replacement(start, end, str(step.after))])
    if not isinstance(data, dict) or not data or "extends" in data:
        return document.text
    return corrected(document.text, [with_first(document, (), "version", str(step.after))])


def check_version(tree: Tree) -> list[Problem]:
    """The problem of a file without a version, which is then read as the current version.

    Raises PipelineError for a file of another version, in which anything may have another meaning.
    """
    version, place = tree.data.get("version"), tree.place(("version",))
    if "version" not in tree.data:
        tree.data["version"] = models.VERSION
        return [_unversioned(tree)]
    if type(version) is not int or version == models.VERSION or version <= DRAFT:
        return []
    if version > models.VERSION:
        message = f"The file has version {version}, but this registry-core reads version {models.VERSION}."
        problem = Problem(
            message, "Run: pip install --upgrade registry-core", place, ("version",), code="newer-version"
        )
    else:
        message = f"The file has version {version}, but registry-core now reads version {models.VERSION}."
        problem = Problem(message, f"Run: {_command(place)}", place, ("version",), code="older-version")
    raise PipelineError([problem])


def _unversioned(tree: Tree) -> Problem:
    place = tree.place(())
    message = "The file has no `version`: it is incomplete, or older than the first version."
    remedy = f"Write `version: {models.VERSION}` at its beginning, or run: {_command(place)}"
    return Problem(message, remedy, place, ("version",), code="older-version", fix=_version_fix(place))


def _command(place: Place | None) -> str:
    source = place.source if place else "FILE"
    return f"registry-core upgrade {'-' if source == str(STDIN) else shell_word(source)}"


def _version_fix(place: Place | None) -> Fix | None:
    """The fix of a file without a version; None if there is no file, or it is empty."""
    try:
        document = Document.of(text_of_file(Path(place.source)), place.source) if place else None
    except PipelineError:
        return None
    if document is None or not document.tree.data:
        return None
    return with_first(document, (), "version", str(models.VERSION))


def _components(document: Document, kind: str) -> Iterator[tuple[Keys, str, Place]]:
    """The components of a kind in a document: keys, name as written, and place of the name."""
    tree = document.tree
    for keys, place in tree.values.items():
        base = component_class(Spec, keys)
        if base is None or base.kind != kind:
            continue
        value = value_at(tree.data, keys)
        if isinstance(value, str):
            yield keys, value, place
        elif isinstance(value, dict) and len(value) == 1:
            name = next(iter(value))
            yield keys, name, tree.keys[(*keys, name)]


def _own_name(written: str) -> str:
    """The name of a component of registry-core; components of other distributions keep their names."""
    distribution, _, name = written.rpartition(":")
    return name if distribution in ("", OWN) else ""


def _named(document: Document, place: Place, old: str, new: str) -> Fix:
    start, end = span(document.text, place)
    if document.text[start:end].strip("'\"") != old:
        raise ValueError(f"{old!r} contains escapes")
    return Fix(place, old, new)
