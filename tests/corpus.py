"""The corpus of mistakes in tests/mistakes: pipelines with one mistake each, which say in comments what is to be found.

Below the line with the mistake stands a comment with a caret in its column, the code, and words of the message:

    optim: {optimizer: sdg}
    #                  ^ unknown-component: Did you mean 'sgd'

``#<`` instead of a caret means column 1. Where no comment can stand, the file has ``#! at PLACE CODE: words`` (PLACE as
the message has it: ``base.yaml:3:4``, ``--set train.epochs=x``), or lies beside ``NAME.expected``, which has. A line
``#! set KEY=VALUE`` adds an option. A pipeline that another one extends is called ``_NAME…``.
Paths are relative to tests/mistakes, where data of a few bytes lie in ``data``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from registry_core.diagnostics import PipelineError, Problem
from registry_core.loaded import load

FOLDER = Path(__file__).parent / "mistakes"

_BELOW = re.compile(r"(?P<before> *#(?P<first><)?[ ]*)(?P<caret>\^)? (?P<code>[a-z][a-z-]+): (?P<words>.*)")
_ELSEWHERE = re.compile(r"#! at (?P<place>.+?) (?P<code>[a-z][a-z-]+): (?P<words>.*)")
_OPTION = re.compile(r"#! set (?P<option>.*)")


@dataclass(frozen=True)
class Mistake:
    """One pipeline file of the corpus, and what must be said of it."""

    path: Path
    place: str
    code: str
    words: str
    options: tuple[str, ...]

    @property
    def by_itself(self) -> bool:
        """Whether it is one readable file that neither extends another nor has variables."""
        lines = self.path.read_bytes().decode("utf-8", errors="replace").splitlines()
        unreadable = {"yaml-syntax", "nesting-too-deep", "file-unreadable", "file-too-large", "too-many-values", "tag"}
        unreadable |= {"cyclic-alias", "key-form", "merge-key", "duplicate-key", "number-not-finite", "root-form"}
        return self.code not in unreadable and not any(line.startswith(("extends:", "vars:")) for line in lines)

    @property
    def name(self) -> str:
        """The path inside the corpus, without its ending."""
        return str(self.path.relative_to(FOLDER).with_suffix(""))


def mistakes() -> list[Mistake]:
    """The corpus, sorted by name; pipelines that others extend are named ``_...``."""
    paths = [path for end in ("yaml", "json") for path in FOLDER.rglob(f"*.{end}") if not path.name.startswith("_")]
    return [_read(path) for path in sorted(paths) if "data" not in path.relative_to(FOLDER).parts]


def problems_of(mistake: Mistake) -> tuple[Problem, ...]:
    """The problems that ``validate`` finds in a file, from the corpus as the current folder: errors, or warnings."""
    try:
        return load(mistake.path.relative_to(FOLDER), mistake.options).warnings
    except PipelineError as error:
        return error.problems


def _read(path: Path) -> Mistake:
    expected: list[tuple[str, str, str]] = []
    options: list[str] = []
    files = [path, *sorted(path.parent.glob(f"_{path.stem}*")), *sorted(path.parent.glob(f"{path.stem}.expected"))]
    for file in files:
        source = str(file.relative_to(FOLDER))
        lines = file.read_bytes().decode("utf-8", errors="replace").splitlines()
        options += [found["option"] for line in lines if (found := _OPTION.fullmatch(line))]
        expected += [
            (found["place"], found["code"], found["words"]) for line in lines if (found := _ELSEWHERE.fullmatch(line))
        ]
        above = 0
        for number, line in enumerate(lines, 1):
            found = _BELOW.fullmatch(line)
            if found and (found["caret"] or found["first"]):
                column = 1 if found["first"] else len(found["before"]) + 1
                expected.append((f"{source}:{above}:{column}", found["code"], found["words"]))
            else:
                above = number
    if len(expected) != 1:
        raise ValueError(f"{path} says {len(expected)} times what is to be found, not once.")
    return Mistake(path, *expected[0], tuple(options))
