"""Parse YAML text into nodes with marks, in one bounded pass over the parser's events.

The events come from libyaml, through PyYAML, or from PyYAML's own parser if PyYAML was built without libyaml. Limits
apply while the text is parsed, and bound the cost of any file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from registry_core.config.text.yaml_advice import advice, first_line, is_too_deep, where
from registry_core.diagnostics import PipelineError, Place, Problem

MAX_DEPTH = 64
MAX_NODES = 20_000
MAX_ALIASES = 100


@dataclass
class Node:
    """A scalar, a sequence of nodes or a mapping of pairs of nodes, as written."""

    form: Literal["scalar", "sequence", "mapping"]
    place: Place
    tag: str | None
    value: Any
    plain: bool = False
    """True if a scalar is written without quotes."""


class _PurePython(Reader, Scanner, Parser):
    """PyYAML's own parser, used if PyYAML was built without libyaml."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def dispose(self) -> None:
        """The same method as that of libyaml's parser."""


def parse(text: str, source: str) -> Node | None:
    """The root node of the only document in a text, None if it is empty; PipelineError if it is not YAML."""
    try:
        parser = _parser(text)
    except (YAMLError, ValueError) as error:  # a lone surrogate, which no UTF-8 file contains, raises ValueError
        raise _not_yaml(error, source, text) from None
    try:
        return _Composer(parser, source).document()
    except (YAMLError, ValueError) as error:
        raise _not_yaml(error, source, text) from None
    finally:
        parser.dispose()


def _parser(text: str) -> Any:
    if yaml.__with_libyaml__:
        from yaml._yaml import CParser

        return CParser(text)
    return _PurePython(text)


@dataclass
class _Composer:
    """Turns events into nodes, and counts them."""

    parser: Any
    source: str
    anchors: dict[str, Node] = field(default_factory=dict)
    nodes: int = 0
    aliases: int = 0

    def document(self) -> Node | None:
        event = self.parser.get_event()
        while not isinstance(event, (DocumentStartEvent, StreamEndEvent)):
            event = self.parser.get_event()
        if isinstance(event, StreamEndEvent):
            return None
        root = self.node(self.parser.get_event(), 0)
        self.parser.get_event()  # the end of the document
        event = self.parser.get_event()
        if not isinstance(event, StreamEndEvent):
            message = "The file contains more than one YAML document."
            raise refused("yaml-syntax", message, "Remove the line `---` and everything after it.", self.place(event))
        return root

    def node(self, event: Any, depth: int) -> Node:
        place = self.place(event)
        if isinstance(event, AliasEvent):
            return self.alias(event, place)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"The file has more than {MAX_NODES:,} values."
            raise refused("too-many-values", message, "A pipeline file is short: keep data in files.", place)
        if depth > MAX_DEPTH:
            raise _too_deep(place)
        if isinstance(event, ScalarEvent):
            plain = event.style in (None, "") and event.implicit[0]
            node = Node("scalar", place, event.tag, event.value, plain)
        else:
            form: Literal["sequence", "mapping"] = "sequence" if isinstance(event, SequenceStartEvent) else "mapping"
            node = Node(form, place, event.tag, [])
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        if isinstance(event, SequenceStartEvent):
            self.items(node, depth)
        elif isinstance(event, MappingStartEvent):
            self.pairs(node, depth)
        return node

    def items(self, node: Node, depth: int) -> None:
        while not isinstance(event := self.parser.get_event(), SequenceEndEvent):
            node.value.append(self.node(event, depth + 1))
        self.end(node, event)

    def pairs(self, node: Node, depth: int) -> None:
        while not isinstance(event := self.parser.get_event(), MappingEndEvent):
            key = self.node(event, depth + 1)
            node.value.append((key, self.node(self.parser.get_event(), depth + 1)))
        self.end(node, event)

    def end(self, node: Node, event: Any) -> None:
        start = node.place
        node.place = Place(self.source, start.line, start.column, (event.end_mark.line + 1, event.end_mark.column + 1))

    def alias(self, event: Any, place: Place) -> Node:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            message = f"The file has more than {MAX_ALIASES} aliases."
            raise refused("too-many-values", message, "Write the values out, or use `vars`.", place)
        found = self.anchors.get(event.anchor)
        if found is None:
            message = f"The anchor {event.anchor!r} is not defined before this alias."
            raise refused("yaml-syntax", message, f"Write &{event.anchor} before the value that it refers to.", place)
        return found

    def place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        return Place(self.source, start.line + 1, start.column + 1, (end.line + 1, end.column + 1))


def refused(code: str, message: str, remedy: str, place: Place | None) -> PipelineError:
    """The error of a file that cannot be processed further."""
    return PipelineError([Problem(message, remedy, place, code=code)])


def _too_deep(place: Place) -> PipelineError:
    return refused("nesting-too-deep", f"The file nests deeper than {MAX_DEPTH} levels.", "Flatten it.", place)


def _not_yaml(error: Exception, source: str, text: str) -> PipelineError:
    what = "JSON" if source.endswith(".json") else "YAML"
    if not isinstance(error, MarkedYAMLError):
        message = f"This is not valid {what}: {first_line(error)}."
        return refused("yaml-syntax", message, "Correct the file.", Place(source))
    place = where(error, source, text)
    if is_too_deep(error):  # libyaml's own limit, which may apply before ours
        return _too_deep(place)
    during = f" {error.context}" if error.context else ""
    message = f"This is not valid {what}{during}: {error.problem}."
    return refused("yaml-syntax", message, advice(error, text, place), place)
