r"""Show text from elsewhere so that it cannot act on a terminal, hide, or pass for text of registry-core.

Names, docstrings, paths and messages of others may contain control characters, terminal commands, marks that reverse
or hide text, and surrogates that no encoding has. They are shown escaped as in Python: ``\x1b``, ``\u202e``. Letters,
marks and symbols of all scripts, and all kinds of spaces, are shown as they are.
"""

from __future__ import annotations

import re
import sys

_SUSPECT = re.compile(r"[^ -~\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""Characters that may not be printable: all but ASCII and spaces."""

_NOT_INDENTED = re.compile(r"\n(?! )")


def printable(text: str) -> str:
    """A text in one line: whatever is not printable is escaped, line breaks and tabs too."""
    return text if text.isprintable() else _SUSPECT.sub(_shown, text)


def printable_lines(text: str) -> str:
    """A text of several lines, such as a table or a docstring: line breaks and tabs stay."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def printable_message(text: str) -> str:
    """A message: a line break stays if the next line is indented, so that no part can look like another message."""
    if text.isprintable():
        return text
    return printable_lines(_NOT_INDENTED.sub(r"\\n", text)).replace("\t", "\\t")


def warn(text: str) -> None:
    """Print a message to standard error."""
    print(printable_message(text), file=sys.stderr)


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable():
        return character
    return _NAMED.get(character) or _coded(ord(character))


_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _coded(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
