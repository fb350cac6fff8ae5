"""``registry-core validate``: every mistake of pipeline files at once, without torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click

from registry_core.cli.options import as_json, overrides, pipeline_files, print_json
from registry_core.cli.problems import problem_data, tell
from registry_core.errors import Fix, PipelineError, Problem, RegistryError


@dataclass
class _Verdict:
    """What was found in some files."""

    problems: list[Problem] = field(default_factory=list)
    right: list[Path] = field(default_factory=list)
    code: int = 0

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if not problem.warning]


@click.command("validate", epilog="Example: registry-core validate examples/digits.yaml")
@pipeline_files
@overrides
@click.option("--fix", is_flag=True, help="Correct what is certain in the files, and ask before what is likely.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@as_json
def command(files: tuple[Path, ...], overrides: tuple[str, ...], fix: bool, yes: bool, as_json: bool) -> int:
    """Check pipeline files and report all of their mistakes; exits with 2 if there are any."""
    verdict = _check(files, overrides)
    if fix:
        verdict = _fix(verdict, files, overrides, yes)
    if as_json:
        print_json([problem_data(problem) for problem in verdict.problems])
        return verdict.code
    for file in verdict.right:
        click.echo(f"{file}: no problems.")
    tell(verdict.problems)
    if not fix:
        _advise(verdict, files)
    return verdict.code


def _check(files: Iterable[Path], overrides: tuple[str, ...]) -> _Verdict:
    from registry_core.spec import load

    verdict = _Verdict()
    for file in files:
        try:
            verdict.problems += load(file, overrides).notices
        except PipelineError as error:
            verdict.problems += error.problems
            verdict.code = max(verdict.code, error.exit_code)
        except RegistryError as error:
            verdict.problems.append(Problem(f"{file}: {error}"))
            verdict.code = max(verdict.code, error.exit_code)
        else:
            verdict.right.append(file)
    return verdict


def _fix(verdict: _Verdict, files: tuple[Path, ...], overrides: tuple[str, ...], yes: bool) -> _Verdict:
    """Correct, and check again: what was wrong may have hidden more."""
    from registry_core.cli.fixing import fix_files

    declined: set[Fix] = set()
    while verdict.problems and fix_files(verdict.problems, yes=yes, refused=declined):
        verdict = _check(files, overrides)
    return verdict


def _advise(verdict: _Verdict, files: tuple[Path, ...]) -> None:
    correctable = sum(problem.fix is not None for problem in verdict.problems)
    if correctable:
        them = "it" if correctable == len(verdict.problems) == 1 else f"{correctable} of {len(verdict.problems)}"
        named = " ".join(str(file) for file in files)
        click.echo(f"registry-core validate --fix {named} corrects {them}.", err=True)
