"""``registry-core validate``: every mistake of pipeline files at once, without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
@click.option("--elsewhere", is_flag=True, help="The run will be on another machine: do not look at this one.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where it would be written to.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@as_json
def command(
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    elsewhere: bool,
    out: Path,
    fix: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Check pipeline files and report all of their mistakes; exits with 2 if there are any."""

    def checked() -> _Verdict:
        return _check(files, overrides, None if elsewhere else out)

    verdict = checked()
    if fix:
        verdict = _fix(verdict, checked, yes)
    if as_json:
        print_json([problem_data(problem) for problem in verdict.problems])
        return verdict.code
    for file in verdict.right:
        click.echo(f"{file}: no problems.")
    tell(verdict.problems)
    if not fix:
        _advise(verdict, files)
    return verdict.code


def _check(files: Iterable[Path], overrides: tuple[str, ...], out: Path | None) -> _Verdict:
    from registry_core.spec import load
    from registry_core.spec.machine_checks import unwritable

    verdict = _Verdict()
    if out is not None and (reason := unwritable(out)):
        message = f"No run could be written to {str(out)!r}: {reason}."
        verdict.problems.append(Problem(message, "Name another folder with --out.", code="run-directory"))
        verdict.code = 2
    for file in files:
        try:
            verdict.problems += load(file, overrides, here=out is not None).notices
        except PipelineError as error:
            verdict.problems += error.problems
            verdict.code = max(verdict.code, error.exit_code)
        except RegistryError as error:
            verdict.problems.append(Problem(f"{file}: {error}"))
            verdict.code = max(verdict.code, error.exit_code)
        else:
            verdict.right.append(file)
    return verdict


def _fix(verdict: _Verdict, checked: Callable[[], _Verdict], yes: bool) -> _Verdict:
    """Correct, and check again: what was wrong may have hidden more."""
    from registry_core.cli.fixing import fix_files

    declined: set[Fix] = set()
    while verdict.problems and fix_files(verdict.problems, yes=yes, refused=declined):
        verdict = checked()
    return verdict


def _advise(verdict: _Verdict, files: tuple[Path, ...]) -> None:
    correctable = sum(problem.fix is not None for problem in verdict.problems)
    if correctable:
        them = "it" if correctable == len(verdict.problems) == 1 else f"{correctable} of {len(verdict.problems)}"
        named = " ".join(str(file) for file in files)
        click.echo(f"registry-core validate --fix {named} corrects {them}.", err=True)
