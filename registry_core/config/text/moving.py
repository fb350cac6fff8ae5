"""Add, remove and move entries of mappings in the text of a pipeline file."""

from __future__ import annotations

import json

from registry_core.config.text.document import Document, shifted
from registry_core.config.text.fixes import span, value_at
from registry_core.diagnostics import Fix, Keys


def with_first(document: Document, mapping: Keys, key: str, value: str) -> Fix:
    """The edit that inserts an entry before all others of a mapping.

    The lines of ``value`` are indented as for a key in column 0.
    """
    start, end = span(document.text, document.tree.values[mapping])
    name = f'"{key}"' if document.quoted else key
    others = document.children(mapping)
    first = document.key_span(others[0])[0] if others else end
    if not others or document.is_flow(mapping):
        opened = document.text.index("{", start) + 1
        between = document.text[opened:first] if others else ""
        space = "" if not others else (between if between and not between.strip() else " ")
        entry = f"{name}: {value}" + ("," + space if others else "")
        at = first if others else opened
        return document.replacement(at, at, entry)
    indent = document.indent(first)
    entry = f"{name}:{_gap(value)}{shifted(value, indent)}{document.newline}{' ' * indent}"
    return document.replacement(first, first, entry)


def moved(document: Document, old: Keys, new: Keys) -> list[Fix]:
    """The edits that move an entry into another mapping, which is created if it does not exist.

    Raises ValueError, with the reason, if that cannot be done without loss.
    """
    section, key = new[:-1], str(new[-1])
    if value_at(document.tree.data, new) is not None or new in document.tree.keys:
        raise ValueError("the new key already has a value")
    if section in document.tree.keys or not section:
        if not isinstance(value_at(document.tree.data, section), dict):
            raise ValueError("the value there is not a mapping")
        into_flow = document.is_flow(section) or not document.children(section)
        value, comment = _taken(document, old, in_one_line=into_flow)
        added = with_first(document, section, key, value + ("" if into_flow else comment))
        return [_without(document, old, comment if into_flow else ""), added]
    if section[:-1] == old[:-1]:
        return [_wrapped(document, old, str(section[-1]), key)]
    if not isinstance(value_at(document.tree.data, section[:-1]), dict):
        raise ValueError("the section for it does not exist")
    value, comment = _taken(document, old, in_one_line=True)
    name = f'"{key}"' if document.quoted else key
    added = with_first(document, section[:-1], str(section[-1]), f"{{{name}: {value}}}")
    return [_without(document, old, comment), added]


def _taken(document: Document, keys: Keys, *, in_one_line: bool) -> tuple[str, str]:
    """A value as written, its lines indented as for a key in column 0, and the comment after it."""
    start, behind = document.key_span(keys)
    end = document.entry_end(keys)
    colon = document.text.index(":", behind) + 1
    text = document.text[colon:end].lstrip(" ")
    comment = (document.rest_of_line(end) or "") if not document.is_flow(keys[:-1]) else ""
    if not document.is_block(keys):
        first, _ = span(document.text, document.tree.values[keys])
        if document.text[colon : max(colon, first)].strip():
            raise ValueError("there is a comment between key and value")
        return text.strip(), comment
    if not in_one_line:
        return shifted(text, -document.indent(start)), comment
    if "#" in text:
        raise ValueError("it contains comments")
    return json.dumps(value_at(document.tree.data, keys), ensure_ascii=False), comment


def _wrapped(document: Document, keys: Keys, section: str, key: str) -> Fix:
    """The edit that wraps an entry in a new section at the same place."""
    start, _ = document.key_span(keys)
    end = document.entry_end(keys)
    quote = '"' if document.quoted else ""
    outer, inner = f"{quote}{section}{quote}", f"{quote}{key}{quote}"
    if not document.is_block(keys):
        value, _ = _taken(document, keys, in_one_line=True)
        return document.replacement(start, end, f"{outer}: {{{inner}: {value}}}")
    indent = document.indent(start) + 2
    value, _ = _taken(document, keys, in_one_line=False)
    below = f"{document.newline}{' ' * indent}{inner}:{_gap(value)}{shifted(value, indent)}"
    return document.replacement(start, end, f"{outer}:{below}")


def _gap(value: str) -> str:
    """The separator of a colon and a value, which may begin in the next line."""
    return "" if value.startswith(("\r", "\n")) else " "


def _without(document: Document, keys: Keys, comment: str) -> Fix:
    """The edit that removes an entry from its mapping; ``comment`` is kept."""
    parent = keys[:-1]
    siblings = document.children(parent)
    start, _ = document.key_span(keys)
    end = document.entry_end(keys)
    number = siblings.index(keys)
    if document.is_flow(parent):
        if number + 1 < len(siblings):
            return document.replacement(start, document.key_span(siblings[number + 1])[0], "")
        before = document.entry_end(siblings[number - 1]) if number else start
        return document.replacement(before, end, "")
    if len(siblings) == 1:
        return document.replacement(start, end, "{}")
    rest = document.rest_of_line(end)
    if rest is None:
        raise ValueError("its line contains something else")
    if not document.begins_line(start):  # after a hyphen
        following = document.key_span(siblings[number + 1])[0]
        if document.text[end:following].strip():
            raise ValueError("a comment follows it")
        return document.replacement(start, following, "")
    if comment.strip():
        return document.replacement(start, end + len(rest), comment.strip())
    end += len(rest)
    end += len(document.newline) if document.text.startswith(document.newline, end) else 0
    return document.replacement(start - document.indent(start), end, "")
