"""Comments in JSON, which has none: // and /* in a JSON file would be read as words of YAML."""

from __future__ import annotations

import re

from registry_core.diagnostics import STDIN, Place

_TOKEN = re.compile(
    r"""
    "(?:[^"\\]|\\.)*"
    | '[^']*'
    | (?<!\S) \# [^\n]*
    | (?P<comment> (?<![^\s,\[\]{}"']) (?: // | /\* ) )
    """,
    re.VERBOSE | re.DOTALL,
)
"""Quoted texts, comments of YAML, and the beginnings of others, which only space, punctuation or a quote precedes."""


def first_comment(text: str, source: str) -> Place | None:
    """The place of the first comment of a JSON text; None if there is none, or if it is YAML."""
    if "//" not in text and "/*" not in text:
        return None
    if not source.lower().endswith(".json") and not (source == str(STDIN) and text.lstrip().startswith("{")):
        return None
    found = next((token for token in _TOKEN.finditer(text) if token["comment"]), None)
    if found is None:
        return None
    return Place(source, text.count("\n", 0, found.start()) + 1, found.start() - text.rfind("\n", 0, found.start()))
