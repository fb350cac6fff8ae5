"""Read YAML 1.2 or JSON into plain data with the place of every key and value.

Reading is strict and bounded: no tags, no merge keys, no duplicate keys, no cycles, no numbers that are not finite,
and limits on size, depth and expansion, so that no file can harm the process that checks it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry_core.config.text.json_comments import first_comment
from registry_core.config.text.source import text_of_file
from registry_core.config.text.yaml_nodes import MAX_NODES, Node, parse, refused
from registry_core.diagnostics import Keys, PipelineError, Place, Problem

MAX_BITS = 64
"""The number of bits of an integer."""

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null")}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"null": None, "Null": None, "NULL": None, "~": None, "": None}
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


@dataclass
class Tree:
    """Plain data with the place of every value, and of every key of a mapping."""

    data: Any
    values: dict[Keys, Place] = field(default_factory=dict)
    keys: dict[Keys, Place] = field(default_factory=dict)
    characters: int = 0
    """The length of the text that it was read from."""
    extended_by: dict[str, str] = field(default_factory=dict)
    """For each file that another one extends, that other file."""
    replaced: dict[Keys, Place] = field(default_factory=dict)
    """The places of components of extended files that others replace."""

    def place(self, keys: Keys, *, of_key: bool = False) -> Place | None:
        """The place of a value or of its key; for a value that is not written, that of its nearest parent."""
        for end in range(len(keys), -1, -1):
            found = (self.keys.get(keys[:end]) if of_key else None) or self.values.get(keys[:end])
            if found is not None:
                return found
        return None

    def forget(self, keys: Keys) -> None:
        """Remove the places of a value, and of all in it."""
        for places in (self.values, self.keys):
            for old in [path for path in places if path[: len(keys)] == keys]:
                del places[old]

    def shift_items(self, keys: Keys, by: int) -> None:
        """Move the places of the item of a list at ``keys``, and of all after it, to other indices."""
        *above, first = keys
        depth = len(above)
        for places in (self.values, self.keys):
            moving = {
                path: places.pop(path)
                for path in list(places)
                if len(path) > depth and path[:depth] == tuple(above) and int(path[depth]) >= int(first)
            }
            places.update({(*path[:depth], int(path[depth]) + by, *path[depth + 1 :]): moving[path] for path in moving})


def read_file(path: Path) -> Tree:
    """Read one pipeline file; PipelineError if it is missing, too large, or not YAML."""
    return read_text(text_of_file(path), str(path))


def read_text(text: str, source: str) -> Tree:
    """Parse the text of a pipeline file; ``source`` is its name in messages."""
    if comment := first_comment(text, source):
        remedy = "Remove it, or write the file as YAML (FILE.yaml), in which comments begin with #."
        raise refused("yaml-syntax", "JSON has no comments.", remedy, comment)
    root = parse(_PAIR.sub(_one_character, text) if "\\u" in text else text, source)
    tree = Tree({}, {(): Place(source, 1, 1)}) if root is None else _Reader(source).read(root)
    tree.characters = len(text)
    return tree


def _one_character(pair: re.Match[str]) -> str:
    """Join surrogate pairs, with which JSON writes characters above U+FFFF; YAML has none."""
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF):08X}"


def read_value(text: str) -> Any:
    """Parse one value as in a file, such as ``0.1``, ``true`` or ``[1, 2]``; invalid YAML is a string."""
    try:
        return read_text(text, "value").data if text.strip() else None
    except PipelineError:
        return text


class _Reader:
    """Turns the nodes of one file into a tree, and counts the values that aliases expand to."""

    def __init__(self, source: str) -> None:
        self.tree = Tree(None)
        self.source = source
        self.expanded = 0
        self.open: set[int] = set()
        self.problems: list[Problem] = []

    def read(self, root: Node) -> Tree:
        self.tree.data = self.value(root, ())
        if self.problems:
            raise PipelineError(self.problems)
        return self.tree

    def value(self, node: Node, keys: Keys) -> Any:
        self.tree.values[keys] = node.place
        self.expanded += 1
        if self.expanded > MAX_NODES:
            message = f"The file expands to more than {MAX_NODES:,} values."
            raise refused("too-many-values", message, "Remove the nested aliases.", node.place)
        if node.form == "scalar":
            return self.scalar(node)
        if id(node) in self.open:
            message = "An alias refers to the anchor that contains it."
            raise refused("cyclic-alias", message, "Write the value out.", node.place)
        if node.tag not in (None, f"{_TAG}map", f"{_TAG}seq"):
            return self.tagged(node)
        self.open.add(id(node))
        try:
            if node.form == "mapping":
                return self.mapping(node, keys)
            return [self.value(item, (*keys, index)) for index, item in enumerate(node.value)]
        finally:
            self.open.discard(id(node))

    def mapping(self, node: Node, keys: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = key_node.place
            key = str(key_node.value) if key_node.form == "scalar" else ""
            if key_node.form != "scalar":
                self.problem("key-form", "A key must be a word.", "Write a plain name before the colon.", place)
            elif key == "<<" and key_node.plain:
                message = "Merge keys are not part of YAML 1.2."
                self.problem("merge-key", message, "Use `extends`, or write the values out.", place)
            elif key in found:
                first = self.tree.keys[(*keys, key)]
                message = f"The key {key!r} occurs twice, first in line {first.line}."
                self.problem("duplicate-key", message, "Delete one of them.", place)
            else:
                self.tree.keys[(*keys, key)] = place
                found[key] = self.value(value_node, (*keys, key))
        return found

    def scalar(self, node: Node) -> Any:
        if node.tag is not None and node.tag not in _SCALAR_TAGS:
            return self.tagged(node)
        text = node.value
        if not (node.plain or node.tag) or node.tag == f"{_TAG}str":
            return text
        if _NOT_FINITE.fullmatch(text):
            self.problem("number-not-finite", f"{text} is not a finite number.", "Write a finite number.", node.place)
            return None
        return self.number_or_text(text, node.place)

    def number_or_text(self, text: str, place: Place) -> Any:
        if text in _WORDS:
            return None
        if text in _TRUTHS:
            return _TRUTHS[text]
        try:
            number: int | float | None = None
            if _INTEGER.fullmatch(text):
                number = int(text, 0) if text[:2] in ("0x", "0o") else int(text)
            elif _FLOAT.fullmatch(text):
                number = float(text)
        except ValueError:  # Python rejects integers of thousands of digits
            number = math.inf
        if number is not None and not _is_in_range(number):
            remedy = (
                "Write a smaller number." if isinstance(number, float) else "Write a smaller one, or 1e20 for a float."
            )
            self.problem("number-not-finite", "This number is too large.", remedy, place)
            return None
        return text if number is None else number

    def tagged(self, node: Node) -> None:
        written = f"!!{str(node.tag).removeprefix(_TAG)}" if str(node.tag).startswith(_TAG) else node.tag
        message = f"The tag {written} is not allowed."
        self.problem("tag", message, "A pipeline file is plain data: remove the tag.", node.place)

    def problem(self, code: str, message: str, remedy: str, place: Place) -> None:
        self.problems.append(Problem(message, remedy, place, code=code))


def _is_in_range(number: float) -> bool:
    """True if a number is finite, and an integer one of 64 bits: the cost of larger ones is unbounded."""
    return math.isfinite(number) if isinstance(number, float) else number.bit_length() <= MAX_BITS
