"""``registry-core verify``: verify every checkpoint of a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, as_json, columns, say, say_lines

if TYPE_CHECKING:
    from registry_core.engine.verifying import Resumption, Verification


@click.command(
    "verify",
    short_help="Verify every checkpoint of a run, and say how it would resume",
    epilog="Example: registry-core verify runs/digits-1",
)
@click.argument("run", metavar="RUN|CHECKPOINT", type=PATH)
@as_json
def command(run: Path, as_json: bool) -> int:
    """Verify every checkpoint of a run and the files beside them, or one checkpoint, and say how it would resume.

    Nothing is written, and data are not looked at. Ends with 4 if anything is damaged or foreign, and with 5 if
    everything is whole but a resume would be refused.
    """
    from registry_core.engine.verifying import verify

    found = verify(run)
    if as_json:
        print_json({**asdict(found), "is_whole": found.is_whole, "is_resumable": found.is_resumable})
    else:
        _print(found)
    if found.is_whole and found.is_resumable:
        return 0
    return 4 if not found.is_whole or found.resumption.checkpoint is None else 5


def _print(found: Verification) -> None:
    from registry_core.engine.memory import written_bytes

    say(f"run {found.run or 'without identity'} in {found.directory}")
    if found.continues is not None:
        say(f"continues {found.continues.get('checkpoint')} of the run {found.continues.get('run')}")
    if found.in_use_by:
        say(f"in use by {found.in_use_by}")
    rows = [("checkpoint", "size", "state", "named by")]
    for each in found.checkpoints:
        rows.append((each.path.name, written_bytes(each.bytes), each.state, ", ".join(each.pointers)))
    if found.checkpoints:
        say_lines(columns(rows))
    for sentence in (*(each.problem for each in found.checkpoints if each.problem), *found.problems, *found.notes):
        say(sentence)
    say(_how_it_resumes(found.resumption))


def _how_it_resumes(found: Resumption) -> str:
    if found.refused:
        return f"A resume would be refused: {' '.join(found.refused)}"
    if found.checkpoint is None:
        return "There is no checkpoint yet: a resume starts from the first step."
    start = f"A resume goes on from {found.checkpoint.name}"
    if found.guarantee == "exact":
        return f"{start}, bit for bit (exact)."
    return f"{start}, but not bit for bit (position): {' and '.join(found.reasons)}."
