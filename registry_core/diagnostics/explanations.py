"""The explanations of codes: one text in ``registry_core/diagnostics/explanations`` for each row of ``codes.py``.

A text has a title, a few sentences, and wrong and right examples, and may end with ``See also: …``. The table defines
its theme; a line ``Theme: …`` below the title repeats it for readers of the file.

An example is a block of YAML that extends ``examples/digits.yaml``; the same for ``validate --deep`` alone
(```` ```yaml deep ````); a whole file (```` ```yaml whole-file ````); or commands in a folder with that pipeline
(```` ```console ````).
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
    """A wrong or right example: a fragment of a pipeline, a whole file, or commands with their output.

    Only ``validate --deep`` finds the mistake in a ``deep`` fragment.
    """

    form: Form
    text: str

    @property
    def as_shown(self) -> str:
        """The text, below a comment on its form unless it is a plain fragment or commands."""
        return {"file": "# a whole file\n", "deep": "# validate --deep\n"}.get(self.form, "") + self.text


@dataclass(frozen=True)
class Link:
    """A link to another code, as ``#unknown-key``, or to a page of the documentation."""

    text: str
    target: str


@dataclass(frozen=True)
class Explanation:
    """The meaning of a code, the reason why it is a mistake, and examples."""

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
    """The explanation of a code. Raises KeyError for an unknown code, ValueError if its text is incomplete."""
    row = CODES[code]
    found = _FILE.fullmatch(_FOLDER.joinpath(f"{code}.md").read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"The explanation of {code!r} lacks a part.")
    more = tuple(Link(*link.groups()) for link in _LINK.finditer(found["more"] or ""))
    wrong, right = (tuple(_examples(found[part])) for part in ("wrong", "right"))
    return Explanation(code, found["title"], row.theme, row.severity, found["text"], wrong, right, more)


def by_theme() -> dict[Theme, list[Explanation]]:
    """All explanations by theme, in the order of the table."""
    return {theme: [explanation(row.name) for row in CODES.values() if row.theme == theme] for theme in THEMES}


def _examples(text: str) -> Iterator[Example]:
    for found in _FENCE.finditer(text):
        yield Example(_FORMS[found["form"]], found["text"])


_FOLDER = files("registry_core").joinpath("diagnostics", "explanations")
