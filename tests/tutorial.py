"""The tutorial as data: its commands with what they print, and its edits. As a script it writes plugins/example anew.

python tests/tutorial.py
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from registry_core.scaffold import Names, plan_project, write_project

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
EXAMPLE = ROOT / "plugins" / "example"
NAME = "registry-core-example"

_BLOCK = re.compile(
    r"<!-- (command|edit: (?P<path>\S+))(?: \(exit (?P<exit>\d)\))? -->\n```\w+\n(?P<text>.*?)```\n", re.DOTALL
)


@dataclass(frozen=True)
class Command:
    """A command, what it prints (`…` stands for anything; empty: that is not said), and its exit code."""

    line: str
    prints: str
    exit_code: int

    def prints_this(self, text: str) -> bool:
        """Whether a text is what it prints."""
        pattern = ".*".join(re.escape(part) for part in self.prints.split("…"))
        return not self.prints or re.fullmatch(pattern, text, re.DOTALL) is not None


@dataclass(frozen=True)
class Edit:
    """Lines of a file of the package that are replaced, as a diff."""

    path: str
    diff: str

    @property
    def lines(self) -> int:
        """How many lines are written."""
        return sum(line.startswith("+") for line in self.diff.splitlines())

    def apply(self, folder: Path) -> None:
        """Edit the file in a package; ValueError if it does not have just the lines that it should have."""
        path = folder / self.path
        text = path.read_text()
        for part in re.split(r"^@@\n", self.diff, flags=re.MULTILINE):
            lines = part.splitlines(keepends=True)
            before = "".join(line[1:] or line for line in lines if line[0] != "+")
            after = "".join(line[1:] or line for line in lines if line[0] != "-")
            if text.count(before) != 1:
                raise ValueError(f"{self.path} has {text.count(before)} times: {before}")
            text = text.replace(before, after)
        path.write_text(text)


def steps(page: str) -> list[Command | Edit]:
    """All commands and edits of the tutorial, in their order."""
    found: list[Command | Edit] = []
    for block in _BLOCK.finditer(page):
        if block["path"]:
            found.append(Edit(block["path"], block["text"]))
            continue
        for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
            line, _, prints = part.partition("\n")
            found.append(Command(line, prints, int(block["exit"] or 0)))
    return found


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a package by their paths, without those that its .gitignore names."""
    ignored = [pattern.rstrip("/") for pattern in (folder / ".gitignore").read_text().splitlines()]
    paths = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    kept = [path for path in paths if not any(fnmatch(part, pattern) for part in path.parts for pattern in ignored)]
    return {str(path): (folder / path).read_bytes() for path in kept}


def main() -> None:
    """Write plugins/example anew: the package that the tutorial starts with, and its edits."""
    if EXAMPLE.exists():
        shutil.rmtree(EXAMPLE)
    write_project(plan_project(Names.of(NAME), ["loss"]), EXAMPLE)
    for step in steps(PAGE.read_text()):
        if isinstance(step, Edit):
            step.apply(EXAMPLE)


if __name__ == "__main__":
    main()
