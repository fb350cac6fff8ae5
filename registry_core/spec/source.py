"""Read YAML 1.2 or JSON into plain data, remembering where every key and value stands.

Reading is strict and bounded: no tags, no merge keys, no duplicate keys, no cycles, no numbers that are not finite,
and limits on size, depth and expansion, so that no file can harm the process that checks it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from registry_core.errors import PipelineError, Place, Problem

Keys = tuple[str | int, ...]
"""The way from the root of a file to a value."""

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 20_000

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"null": None, "Null": None, "NULL": None, "~": None, "": None}
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass
class Tree:
    """Plain data with the place of every value, and of every key of a mapping."""

    data: Any
    values: dict[Keys, Place] = field(default_factory=dict)
    keys: dict[Keys, Place] = field(default_factory=dict)

    def place(self, keys: Keys, *, of_key: bool = False) -> Place | None:
        """Where a value (or its key) stands; for one that is not written, where its nearest parent stands."""
        for end in range(len(keys), -1, -1):
            found = (self.keys.get(keys[:end]) if of_key else None) or self.values.get(keys[:end])
            if found is not None:
                return found
        return None


def read_file(path: Path) -> Tree:
    """Read one pipeline file; PipelineError if it is missing, too large, or not YAML."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _refused(
                f"The file is larger than {MAX_BYTES:,} bytes.", "A pipeline file is short.", Place(str(path))
            )
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise _refused(f"The file {str(path)!r} does not exist.", "Check the path.", None) from None
    except UnicodeDecodeError as error:
        raise _refused(f"The file is not UTF-8 text ({error}).", "Save it as UTF-8.", Place(str(path))) from None
    except OSError as error:
        raise _refused(f"The file {str(path)!r} cannot be read: {error.strerror}.", "", None) from None
    return read_text(text, str(path))


def read_text(text: str, source: str) -> Tree:
    """Read the text of a pipeline file; ``source`` names it in messages."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        if root is None:
            return Tree({}, {(): Place(source, 1, 1)})
        return _Reader(source).read(root)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source)
        during = f" {error.context}" if error.context else ""
        raise _refused(f"This is not valid YAML{during}: {error.problem}.", "Correct the line.", place) from None
    except RecursionError:
        raise _refused(f"The file nests deeper than {MAX_DEPTH} levels.", "Flatten it.", Place(source)) from None
    except (YAMLError, ValueError) as error:
        raise _refused(f"This is not valid YAML: {error}.", "Correct the file.", Place(source)) from None


def read_value(text: str) -> Any:
    """Read one value as in a file, such as ``0.1``, ``true`` or ``[1, 2]``; what is not YAML is a text."""
    try:
        return read_text(text, "value").data if text.strip() else None
    except PipelineError:
        return text


class _Reader:
    """Turns the node graph of one file into a tree, counting what it expands."""

    def __init__(self, source: str) -> None:
        self.tree = Tree(None)
        self.source = source
        self.nodes = 0
        self.open: set[int] = set()
        self.problems: list[Problem] = []

    def read(self, root: Any) -> Tree:
        self.tree.data = self.value(root, ())
        if self.problems:
            raise PipelineError(self.problems)
        return self.tree

    def value(self, node: Any, keys: Keys) -> Any:
        place = self.place(node)
        self.tree.values[keys] = place
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _refused(f"The file expands to more than {MAX_NODES:,} values.", "Remove the nested aliases.", place)
        if len(keys) > MAX_DEPTH:
            raise _refused(f"The file nests deeper than {MAX_DEPTH} levels.", "Flatten it.", place)
        if node.id == "scalar":
            return self.scalar(node, place)
        if id(node) in self.open:
            raise _refused("An alias stands inside its own anchor.", "Write the value out.", place)
        self.open.add(id(node))
        try:
            if str(node.tag) not in (f"{_TAG}map", f"{_TAG}seq"):
                self.problem(
                    f"The tag {node.tag} is not allowed.", "A pipeline file is plain data: remove the tag.", place
                )
                return None
            if node.id == "mapping":
                return self.mapping(node, keys)
            return [self.value(item, (*keys, index)) for index, item in enumerate(node.value)]
        finally:
            self.open.discard(id(node))

    def mapping(self, node: Any, keys: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self.place(key_node)
            key = str(key_node.value) if key_node.id == "scalar" else ""
            if key_node.id != "scalar":
                self.problem("A key must be a word.", "Write a plain name before the colon.", place)
            elif key == "<<":
                self.problem("Merge keys are not part of YAML 1.2.", "Use `extends`, or write the values out.", place)
            elif key in found:
                first = self.tree.keys[(*keys, key)]
                self.problem(f"The key {key!r} stands twice, first in line {first.line}.", "Delete one of them.", place)
            else:
                self.tree.keys[(*keys, key)] = place
                found[key] = self.value(value_node, (*keys, key))
        return found

    def scalar(self, node: Any, place: Place) -> Any:
        tag, text = str(node.tag), node.value
        if not tag.startswith(_TAG) or tag in (f"{_TAG}binary", f"{_TAG}set"):
            self.problem(f"The tag {node.tag} is not allowed.", "A pipeline file is plain data: remove the tag.", place)
            return None
        if node.style is not None or tag == f"{_TAG}str":
            return text
        if _NOT_FINITE.fullmatch(text):
            self.problem(f"{text} is not a finite number.", "Write a finite number.", place)
            return None
        return self.number_or_text(text, place)

    def number_or_text(self, text: str, place: Place) -> Any:
        if text in _WORDS:
            return None
        if text in _TRUTHS:
            return _TRUTHS[text]
        try:
            if _INTEGER.fullmatch(text):
                return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
            number = float(text) if _FLOAT.fullmatch(text) else None
        except ValueError:  # Python refuses to read integers of thousands of digits
            number = math.inf
        if number is not None and not math.isfinite(number):
            self.problem("This number is too large.", "Write a smaller number.", place)
            return None
        return text if number is None else number

    def place(self, node: Any) -> Place:
        return Place(self.source, node.start_mark.line + 1, node.start_mark.column + 1)

    def problem(self, message: str, remedy: str, place: Place) -> None:
        self.problems.append(Problem(message, remedy, place))


def _refused(message: str, remedy: str, place: Place | None) -> PipelineError:
    return PipelineError([Problem(message, remedy, place)])
