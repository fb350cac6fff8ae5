"""``registry-core validate``: every mistake of pipeline files at once, without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from registry_core.cli.options import as_json, overrides, pipeline_files, print_json, tell_notices


@click.command("validate", epilog="Example: registry-core validate examples/digits.yaml")
@pipeline_files
@overrides
@as_json
def command(files: tuple[Path, ...], overrides: tuple[str, ...], as_json: bool) -> int:
    """Check pipeline files and report all of their mistakes; exits with 2 if there are any."""
    from registry_core.errors import PipelineError, Problem, RegistryError
    from registry_core.plan.make import make_plan
    from registry_core.spec import load

    problems: list[Problem] = []
    notices: list[Problem] = []
    code = 0
    for file in files:
        try:
            spec = load(file, overrides)
            notices += spec.notices
            make_plan(spec)
        except PipelineError as error:
            problems += error.problems
            code = max(code, error.exit_code)
        except RegistryError as error:
            problems.append(Problem(f"{file}: {error}"))
            code = max(code, error.exit_code)
        else:
            if not as_json:
                click.echo(f"{file}: no problems.")
    if as_json:
        print_json([*(_facts(p, "error") for p in problems), *(_facts(n, "warning") for n in notices)])
        return code
    for problem in problems:
        click.echo(str(problem), err=True)
    tell_notices(notices)
    return code


def _facts(problem: Any, severity: str) -> dict[str, Any]:
    place = problem.place
    return {
        "severity": severity,
        "file": place.source if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "path": problem.path,
        "message": problem.message,
        "remedy": problem.remedy,
    }
