"""``registry-core eval``: measure a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, as_json, overrides, say

if TYPE_CHECKING:
    from registry_core.config.models import Section


@click.command(
    "eval",
    short_help="Measure the loss and the metrics of a run",
    epilog="Example: registry-core eval runs/digits-1 --data val --best",
)
@click.argument("run", metavar="RUN|CHECKPOINT", type=PATH)
@click.option(
    "--data", "section", type=click.Choice(["train", "val", "test"]), help="Default: test if there is one, else val."
)
@click.option("--best", is_flag=True, help="Use the best checkpoint of a run instead of the latest.")
@overrides
@as_json
def command(run: Path, section: Section | None, best: bool, overrides: tuple[str, ...], as_json: bool) -> None:
    """Measure the loss and the metrics of a run's latest checkpoint, or of one checkpoint.

    --set may say where data and other files are now, and set the device and the options of loading.
    """
    from registry_core.engine.trained import evaluate

    measured = evaluate(run, best=best, section=section, overrides=overrides)
    if as_json:
        print_json(measured)
        return
    for name, value in measured.items():
        say(f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}")
