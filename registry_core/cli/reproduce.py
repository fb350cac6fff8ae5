"""``registry-core reproduce``: repeat a run, and compare every row and every weight."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from registry_core.cli.interruption import unwinding
from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, as_json, overrides, say


@click.command(
    "reproduce",
    short_help="Repeat a run, and report the first difference",
    epilog="Example: registry-core reproduce runs/digits-1",
)
@click.argument("run", metavar="RUN", type=PATH)
@click.option("--out", type=PATH, help="Run directory of the repeat; default: runs/NAME-again-1, runs/NAME-again-2, ….")
@overrides
@as_json
def command(run: Path, out: Path | None, overrides: tuple[str, ...], as_json: bool) -> int:
    """Repeat a run from its first step up to its newest intact checkpoint, and report the first difference.

    All rows of metrics and all weights are compared bit for bit. --set may say where data and other files are now, and
    set the device and the options of loading. Ends with 1 if something differs.
    """
    from registry_core.engine.reproducing import reproduce

    with unwinding():
        found = reproduce(run, out, overrides=overrides, tell=say)
    if as_json:
        print_json({**asdict(found), "is_equal": found.is_equal})
    else:
        if found.signal is not None:
            say("The repeat was interrupted, and nothing was compared.")
        elif found.difference is not None:
            say(found.difference.message)
        else:
            say(f"All {found.rows:,} rows and {found.tensors:,} tensors are equal to the last bit.")
        say(f"run directory of the repeat: {found.directory}")
    if found.signal is not None:
        return 128 + found.signal
    return 0 if found.is_equal else 1
