"""``registry-core upgrade``: rewrite pipeline files of older versions for this version."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_core.cli.options import pipeline_files, say, say_lines
from registry_core.diagnostics import STDIN, PipelineError, Problem

if TYPE_CHECKING:
    from registry_core.config.text.tree import Tree

_OLD = ("old-spelling", "deprecated-component")
"""The codes of problems that are upgraded within a version."""


@click.command(
    "upgrade",
    short_help="Rewrite pipeline files for this version of registry-core",
    epilog="Example: registry-core upgrade --check pipeline.yaml",
)
@pipeline_files
@click.option("--check", is_flag=True, help="Only show what would change; exits with 1 if anything would.")
def command(files: tuple[Path, ...], check: bool) -> int:
    """Rewrite pipeline files and those that they extend for this version of registry-core; comments and layout stay.

    Renamed keys and components, old spellings and deprecated components get their current names, unless that would
    change anything else. With - as FILE, the pipeline is read from standard input and written to standard output.
    """
    upgrade = _Upgrade()
    for file in files:
        upgrade.read(file)
    upgrade.step()
    left = [problem for file in files for problem in upgrade.respell(file)]
    changed = upgrade.changed()
    for path in upgrade.texts:
        if path not in changed:
            say(f"{path}: nothing to upgrade.", err=path == STDIN)
    for path in changed if check else upgrade.texts:
        if check:
            say_lines("".join(upgrade.diff(path)).replace("\r\n", "\n").removesuffix("\n"))
        elif path == STDIN or path in changed:
            upgrade.write(path)
    for problem in dict.fromkeys(left):
        say_lines(str(problem), err=True)
    return max([int(check and bool(changed)), *(0 if problem.warning else problem.exit_code for problem in left)])


class _Upgrade:
    """The files that are upgraded together: their old and new texts, and the changes as sentences."""

    def __init__(self) -> None:
        self.before: dict[Path, str] = {}
        self.texts: dict[Path, str] = {}
        self.versions: dict[Path, int] = {}
        self.said: dict[Path, list[str]] = {}

    def read(self, path: Path) -> int:
        """Read a file and those that it extends; return its version, which may be that of the file it extends."""
        from registry_core.config import models
        from registry_core.config.loading import upgrades
        from registry_core.config.text.source import text_of_file
        from registry_core.config.text.tree import read_text

        if (known := self._known(path)) is not None:
            return self.versions[known]
        text = text_of_file(path)
        tree = read_text(text, str(path))
        data = tree.data if isinstance(tree.data, dict) else {}
        self.before[path] = self.texts[path] = text
        self.versions[path], self.said[path] = upgrades.DRAFT, []
        base, version = data.get("extends"), data.get("version")
        if isinstance(base, str) and (path.parent / base).exists():
            self.versions[path] = self.read(path.parent / base)
        if "version" in data:
            of_that = version if type(version) is int and version > upgrades.DRAFT else None
            self.versions[path] = of_that or models.VERSION  # `validate` reports any other mistake
            if self.versions[path] > models.VERSION:
                upgrades.check_version(tree)
        return self.versions[path]

    def step(self) -> None:
        """Rewrite every file from its version to the current one."""
        from registry_core.config.loading import upgrades

        for path, version in self.versions.items():
            self.texts[path], said = upgrades.stepped(self.texts[path], str(path), version, upgrades.STEPS)
            self.said[path] += [f"{path}: {sentence}" for sentence in said]

    def respell(self, file: Path) -> list[Problem]:
        """Write current names in a file and those that it extends; return the problems to fix by hand."""
        from registry_core.cli.fixing import change
        from registry_core.config.text.fixes import applicable, corrected

        while True:
            old = [problem for problem in self._problems(file) if problem.code in _OLD]
            meant = [each for each in old if each.fix and (each.fix.certain or each.code == "deprecated-component")]
            found = {path: applicable(meant, text, str(path)) for path, text in self.texts.items()}
            if not any(found.values()):
                return old
            for path, fixes in found.items():
                self.texts[path] = corrected(self.texts[path], fixes)
                self.said[path] += [f"{fix.place}: {change(fix)}." for fix in fixes]

    def _problems(self, file: Path) -> tuple[Problem, ...]:
        from registry_core.loaded import load_unseen

        try:
            return load_unseen(file, read=self._tree).warnings
        except PipelineError as error:
            return error.problems

    def _tree(self, path: Path) -> Tree:
        from registry_core.config.text.tree import read_text

        known = self._known(path)
        assert known is not None, "every file was read"
        return read_text(self.texts[known], str(known))

    def _known(self, path: Path) -> Path | None:
        return next((known for known in self.texts if known.resolve() == path.resolve()), None)

    def changed(self) -> list[Path]:
        """The files whose text has changed."""
        return [path for path, text in self.texts.items() if text != self.before[path]]

    def diff(self, path: Path) -> Iterator[str]:
        """The changes of a file as a unified diff."""
        before, after = (text.splitlines(keepends=True) for text in (self.before[path], self.texts[path]))
        for line in difflib.unified_diff(before, after, str(path), f"{path} (upgraded)"):
            yield line if line.endswith(("\n", "\r")) else f"{line}\n\\ No newline at end of file\n"

    def write(self, path: Path) -> None:
        """Rewrite a file and print every change; the text of standard input is written to standard output."""
        from registry_core.cli.fixing import rewrite

        if path != STDIN:
            rewrite(path, self.texts[path])
        elif sys.stdout.isatty():
            say_lines(self.texts[path].removesuffix("\n"))
        else:
            click.echo(self.texts[path], nl=False)
        for line in self.said[path]:
            say(line, err=path == STDIN)
