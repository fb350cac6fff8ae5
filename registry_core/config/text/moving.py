"""Add, take out and move entries of the mappings in a pipeline file's text."""

from __future__ import annotations

import json

from registry_core.config.text.document import Document, shifted
from registry_core.config.text.fixes import span, value_at
from registry_core.diagnostics import Fix, Keys


def with_first(document: Document, mapping: Keys, key: str, value: str) -> Fix:
    """The edit that puts an entry in front of the others of a mapping.

    The lines of ``value`` are as far right as if its key stood in column 0.
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
    """The edits that move an entry into another mapping, which is made where it is not there.

    Raises ValueError, with the reason, where that cannot be done without a loss.
    """
    section, key = new[:-1], str(new[-1])
    if value_at(document.tree.data, new) is not None or new in document.tree.keys:
        raise ValueError("there is a value already")
    if section in document.tree.keys or not section:
        if not isinstance(value_at(document.tree.data, section), dict):
            raise ValueError("what stands there has no keys")
        into_flow = document.is_flow(section) or not document.children(section)
        value, comment = _taken(document, old, in_one_line=into_flow)
        added = with_first(document, section, key, value + ("" if into_flow else comment))
        return [_without(document, old, comment if into_flow else ""), added]
    if section[:-1] == old[:-1]:
        return [_wrapped(document, old, str(section[-1]), key)]
    if not isinstance(value_at(document.tree.data, section[:-1]), dict):
        raise ValueError("there is no section to put it into")
    value, comment = _taken(document, old, in_one_line=True)
    name = f'"{key}"' if document.quoted else key
    added = with_first(document, section[:-1], str(section[-1]), f"{{{name}: {value}}}")
    return [_without(document, old, comment), added]


def _taken(document: Document, keys: Keys, *, in_one_line: bool) -> tuple[str, str]:
    """A value as it is written, its lines as far right as if its key stood in column 0, and the comment behind it."""
    start, behind = document.key_span(keys)
    end = document.entry_end(keys)
    colon = document.text.index(":", behind) + 1
    text = document.text[colon:end].lstrip(" ")
    comment = (document.rest_of_line(end) or "") if not document.is_flow(keys[:-1]) else ""
    if not document.is_block(keys):
        first, _ = span(document.text, document.tree.values[keys])
        if document.text[colon : max(colon, first)].strip():
            raise ValueError("a comment stands between key and value")
        return text.strip(), comment
    if not in_one_line:
        return shifted(text, -document.indent(start)), comment
    if "#" in text:
        raise ValueError("there are comments in it")
    return json.dumps(value_at(document.tree.data, keys), ensure_ascii=False), comment


def _wrapped(document: Document, keys: Keys, section: str, key: str) -> Fix:
    """The edit that puts a new section around an entry, where it stands."""
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
    """What stands between a colon and a value, which may begin in the line below."""
    return "" if value.startswith(("\r", "\n")) else " "


def _without(document: Document, keys: Keys, comment: str) -> Fix:
    """The edit that takes an entry out of its mapping; a comment that cannot go with it stays."""
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
        raise ValueError("something else stands in its line")
    if not document.begins_line(start):  # behind a hyphen
        following = document.key_span(siblings[number + 1])[0]
        if document.text[end:following].strip():
            raise ValueError("a comment stands behind it")
        return document.replacement(start, following, "")
    if comment.strip():
        return document.replacement(start, end + len(rest), comment.strip())
    end += len(rest)
    end += len(document.newline) if document.text.startswith(document.newline, end) else 0
    return document.replacement(start - document.indent(start), end, "")
