"""What there is to say of each kind of mistake: the texts in ``registry_core/diagnostics/explanations``, one a code.

A text has a title, the line ``Theme: …``, a few sentences, wrong and right examples, and may end with ``See also: …``.
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

THEMES = (
    "Reading the file",
    "Keys and values",
    "Components and packages",
    "Variables, options and files that extend others",
    "Data and transforms",
    "Model, loss and metrics",
    "Training",
    "Finetuning",
    "The machine",
)
"""What the explanations are about, in the order in which they are listed."""

_FENCE = re.compile(
    r"```(?P<form>yaml|yaml deep|yaml whole-file|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(
    r"# (?P<title>.+)\n\nTheme: (?P<theme>.+)\n\n(?P<text>.+?)\n\n"
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
    theme: str
    text: str
    wrong: tuple[Example, ...]
    right: tuple[Example, ...]
    see_also: tuple[Link, ...]


def codes() -> list[str]:
    """All codes that have an explanation, sorted."""
    return sorted(file.name.removesuffix(".md") for file in _FOLDER.iterdir() if file.name.endswith(".md"))


@cache
def explanation(code: str) -> Explanation:
    """The explanation of a code; KeyError if there is none, ValueError if it is not written as they all are."""
    file = _FOLDER / f"{code}.md"
    if code not in codes():
        raise KeyError(code)
    found = _FILE.fullmatch(file.read_text(encoding="utf-8"))
    if found is None or found["theme"] not in THEMES:
        raise ValueError(f"The explanation of {code!r} lacks a part, or has an unknown theme.")
    more = tuple(Link(*link.groups()) for link in _LINK.finditer(found["more"] or ""))
    examples = [tuple(_examples(found[part])) for part in ("wrong", "right")]
    return Explanation(code, found["title"], found["theme"], found["text"], examples[0], examples[1], more)


def by_theme() -> dict[str, list[Explanation]]:
    """All explanations below their themes; within one by code."""
    found: dict[str, list[Explanation]] = {theme: [] for theme in THEMES}
    for code in codes():
        found[explanation(code).theme].append(explanation(code))
    return found


def _examples(text: str) -> Iterator[Example]:
    for found in _FENCE.finditer(text):
        yield Example(_FORMS[found["form"]], found["text"])


_FOLDER = files("registry_core").joinpath("diagnostics", "explanations")
