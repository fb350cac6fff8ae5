"""``registry-core validate``: report all mistakes of pipeline files at once, without torch."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, as_json, overrides, pipeline_files, say, say_lines
from registry_core.cli.problems import problem_data, tell
from registry_core.cli.verdict import ValidateRequest, ValidateResult
from registry_core.diagnostics import STDIN, Fix
from registry_core.diagnostics.shell_words import shell_word


@click.command(
    "validate",
    short_help="Check pipeline files and report all of their mistakes",
    epilog="Example: registry-core validate examples/digits.yaml",
)
@pipeline_files
@overrides
@click.option("--fix", is_flag=True, help="Apply certain fixes to the files, and ask before likely ones.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask.")
@click.option("--data", "read_data", is_flag=True, help="Also read every sample, and report faults of the data.")
@click.option("--deep", is_flag=True, help="Also build everything, and run one batch of every section.")
@click.option("--on", type=click.Choice(["meta"]), help="With --deep: use torch's meta device, which needs no memory.")
@click.option("--elsewhere", is_flag=True, help="The run will be on another machine: do not check this one.")
@click.option("--out", type=PATH, default=Path("runs"), help="Parent folder of future runs; default: runs.")
@as_json
def command(
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    fix: bool,
    yes: bool,
    read_data: bool,
    deep: bool,
    on: str | None,
    elsewhere: bool,
    out: Path,
    as_json: bool,
) -> int:
    """Check pipeline files and report all of their mistakes; exits with 2 if there are any."""
    if on and not deep:
        raise click.UsageError("--on requires --deep.")
    if yes and not fix:
        raise click.UsageError("--yes requires --fix.")
    if fix and STDIN in files:
        raise click.UsageError("--fix cannot correct standard input. Name a file.")
    wanted = ValidateRequest(files, overrides, None if elsewhere else out, read_data, deep, on == "meta")
    if fix:
        _fix(wanted, yes)
    verdict = ValidateResult.of(wanted)
    if as_json:
        print_json(_data(verdict, wanted))
    else:
        _print(verdict, wanted, advise=not fix)
    return verdict.code


def _fix(wanted: ValidateRequest, yes: bool) -> None:
    """Fix the files and check again: a mistake may have hidden others."""
    from registry_core.cli.fixing import fix_files

    declined: set[Fix] = set()
    quickly = wanted.without_torch()
    while fix_files(ValidateResult.of(quickly).problems, yes=yes, refused=declined):
        pass


def _print(verdict: ValidateResult, wanted: ValidateRequest, *, advise: bool) -> None:
    for report in (*verdict.data.values(), *verdict.dry_runs.values()):
        say_lines(str(report))
    if not wanted.read_data:
        for file in verdict.right:
            say(f"{file}: no problems.")
    tell(verdict.problems)
    correctable = sum(problem.fix is not None for problem in verdict.problems if STDIN not in wanted.files)
    if advise and correctable:
        errors = sum(problem.fix is not None or not problem.warning for problem in verdict.problems)
        them = "it" if correctable == errors == 1 else f"{correctable} of {errors}"
        named = " ".join(map(shell_word, wanted.files))
        say(f"registry-core validate --fix {named} corrects {them}.", err=True)
    if verdict.problems and sys.stderr.isatty():
        say("registry-core explain CODE explains a code.", err=True)


def _data(verdict: ValidateResult, wanted: ValidateRequest) -> object:
    """The problems as a list, or together with the requested reports."""
    problems = [problem_data(problem) for problem in verdict.problems]
    reports: dict[str, object] = {}
    if wanted.read_data:
        reports["data"] = {file: report.as_data() for file, report in verdict.data.items()}
    if wanted.deep:
        reports["dry_runs"] = {file: run.data() for file, run in verdict.dry_runs.items()}
    return {"problems": problems, **reports} if reports else problems
