"""The explanations of codes: one text in ``registry_core/diagnostics/explanations`` for each row of ``codes.py``.

A text has a title, a few sentences, wrong and right examples, and may end with ``See also: …``. Its theme is that of
the table; a line ``Theme: …`` below the title repeats it for readers of the file.

An example is a block of YAML that is laid over ``examples/digits.yaml`` as if it had ``extends``; the same for
``validate --deep`` alone (```` ```yaml deep ````); a whole file (```` ```yaml whole-file ````); or commands in a folder
with that pipeline (```` ```console ````).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from registry_core.diagnostics.codes import CODES, THEMES, Severity, Theme

_FENCE = re.compile(
    r"```(?P<form>yaml|yaml deep|yaml whole-file|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(
    r"# (?P<title>[^\n]+)\n\n(?:Theme: [^\n]+\n\n)?(?P<text>.+?)\n\n"
    r"Wrong:\n\n(?P<wrong>.+?)\n\nRight:\n\n(?P<right>.+?)(?:\n\nSee also: (?P<more>.+?))?\n",
    re.DOTALL,
)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
Form = Literal["fragment", "deep", "file", "console"]
_FORMS: dict[str, Form] = {
    "yaml": "fragment",
    "yaml deep": "deep",
    "yaml whole-file": "file",
    "console": "console",
}


@dataclass(frozen=True)
class Example:
    """Something wrong or right: a fragment of a pipeline, a whole file, or commands with what they print.

    What is wrong in a fragment that is ``deep`` is found by ``validate --deep`` alone.
    """

    form: Form
    text: str

    @property
    def as_shown(self) -> str:
        """The text, below a comment that says how it is to be read where that is needed."""
        return {"file": "# a whole file\n", "deep": "# validate --deep\n"}.get(self.form, "") + self.text


@dataclass(frozen=True)
class Link:
    """Where there is more: another code, as ``#unknown-key``, or a page of the documentation."""

    text: str
    target: str


@dataclass(frozen=True)
class Explanation:
    """What a code means, why it is a mistake, and examples."""

    code: str
    title: str
    theme: Theme
    severity: Severity
    text: str
    wrong: tuple[Example, ...]
    right: tuple[Example, ...]
    see_also: tuple[Link, ...]


@cache
def explanation(code: str) -> Explanation:
    """The explanation of a code; KeyError if the table has no such code, ValueError if its text lacks a part."""
    row = CODES[code]
    found = _FILE.fullmatch(_FOLDER.joinpath(f"{code}.md").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"The explanation of {code!r} lacks a part.")
    more = tuple(Link(*link.groups()) for link in _LINK.finditer(found["more"] or ""))
    wrong, right = (tuple(_examples(found[part])) for part in ("wrong", "right"))
    return Explanation(code, found["title"], row.theme, row.severity, found["text"], wrong, right, more)


def by_theme() -> dict[Theme, list[Explanation]]:
    """All explanations below their themes, in the order of the table."""
    return {theme: [explanation(row.name) for row in CODES.values() if row.theme == theme] for theme in THEMES}


def _examples(text: str) -> Iterator[Example]:
    for found in _FENCE.finditer(text):
        yield Example(_FORMS[found["form"]], found["text"])


_FOLDER = files("registry_core").joinpath("diagnostics", "explanations")
