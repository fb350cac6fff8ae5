"""The text of a pipeline file with the places of its keys and values, for edits that change no other byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from registry_core.config.text.fixes import span, value_at
from registry_core.config.text.tree import Tree, read_text
from registry_core.diagnostics import Fix, Keys, Place

_PROPERTIES = re.compile(r"([&!]\S*\s+)*")
"""Anchor and tag, which are written before a value."""

_REST_OF_LINE = re.compile(r"[ \t]*(#[^\n\r]*)?(?=\r?\n|\Z)")


@dataclass(frozen=True)
class Document:
    """A text and its tree."""

    text: str
    source: str
    tree: Tree

    @classmethod
    def of(cls, text: str, source: str) -> Document:
        """Read a text; PipelineError if it is not YAML."""
        return cls(text, source, read_text(text, source))

    @property
    def newline(self) -> str:
        """The line separator of the text."""
        return "\r\n" if "\r\n" in self.text else "\n"

    @property
    def quoted(self) -> bool:
        """True if keys are quoted, as in JSON."""
        return any(self.text[self.key_span(keys)[0]] == '"' for keys in self.tree.keys)

    def key_span(self, keys: Keys) -> tuple[int, int]:
        """The start and end of a key, as offsets."""
        return span(self.text, self.tree.keys[keys])

    def children(self, keys: Keys) -> list[Keys]:
        """The keys of the entries of a mapping, in order."""
        found = [each for each in self.tree.keys if len(each) == len(keys) + 1 and each[:-1] == keys]
        return sorted(found, key=self.key_span)

    def is_flow(self, keys: Keys) -> bool:
        """True if a mapping is written in braces."""
        start, end = span(self.text, self.tree.values[keys])
        first = self.children(keys)
        return "{" in self.text[start : self.key_span(first[0])[0] if first else end]

    def is_block(self, keys: Keys) -> bool:
        """True if a value has its own lines: a collection without brackets, or a text after | or >."""
        start, _ = span(self.text, self.tree.values[keys])
        properties = _PROPERTIES.match(self.text, start)
        first = self.text[properties.end() : properties.end() + 1] if properties else ""
        inside = isinstance(value_at(self.tree.data, keys), (dict, list)) and first not in ("{", "[")
        return inside or first in ("|", ">")

    def entry_end(self, keys: Keys) -> int:
        """The end of a key's value, as an offset (exclusive); ValueError if the value contains an alias."""
        start, end = self.key_span(keys)
        colon = self.text.index(":", end) + 1
        for inner, place in self.tree.values.items():
            if inner[: len(keys)] != keys:
                continue
            first, last = span(self.text, place)
            if first < start:
                raise ValueError("it contains an alias")
            if not isinstance(value_at(self.tree.data, inner), (dict, list)) or not self.is_block(inner):
                colon = max(colon, last)
        return start + len(self.text[start:colon].rstrip())

    def rest_of_line(self, offset: int) -> str | None:
        """The comment after an offset, empty if there is none; None if the line contains anything else."""
        found = _REST_OF_LINE.match(self.text, offset)
        return found[0] if found else None

    def indent(self, offset: int) -> int:
        """The column of an offset, from 0."""
        return offset - (max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1)

    def begins_line(self, offset: int) -> bool:
        """True if only spaces precede an offset in its line."""
        return not self.text[offset - self.indent(offset) : offset].strip()

    def replacement(self, start: int, end: int, new: str) -> Fix:
        """The edit that replaces the text between two offsets by ``new``."""
        (line, column), behind = self._position(start), self._position(end)
        return Fix(Place(self.source, line, column, behind), self.text[start:end], new)

    def _position(self, offset: int) -> tuple[int, int]:
        before = self.text[:offset]
        rows = before.splitlines(keepends=True)
        if not rows or rows[-1].splitlines()[0] != rows[-1]:  # after the end of a line
            return len(rows) + 1, 1
        return len(rows), len(rows[-1]) + 1


def keys_matching(tree: Tree, pattern: Keys) -> Iterator[Keys]:
    """The keys of a tree that match a pattern; ``*`` matches any key or item."""
    for keys in tree.keys:
        if len(keys) == len(pattern) and all(want in ("*", key) for want, key in zip(pattern, keys, strict=True)):
            yield keys


def shifted(text: str, by: int) -> str:
    """A value of several lines, with all lines after the first indented by ``by`` more columns."""
    first, *rest = text.splitlines(keepends=True)
    if by < 0:
        return first + "".join(line[min(-by, len(line) - len(line.lstrip(" "))) :] for line in rest)
    return first + "".join(" " * by + line if line.strip() else line for line in rest)
