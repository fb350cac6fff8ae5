"""``registry-core train``: train a pipeline, or resume a run."""

from __future__ import annotations

from pathlib import Path

import click

from registry_core.cli.options import PATH, overrides, pipeline_file, say, say_lines
from registry_core.cli.problems import tell
from registry_core.diagnostics import STDIN
from registry_core.diagnostics.shell_words import shell_word


@click.command(
    "train",
    short_help="Train a pipeline, or resume a run",
    epilog="Example: registry-core train examples/mnist.yaml --set train.epochs=3 --out runs/mine",
)
@pipeline_file(required=False)
@overrides
@click.option("--out", type=PATH, help="Run directory; default: runs/FILE-1, runs/FILE-2, ….")
@click.option("--resume", "resumed", metavar="RUN", type=PATH, help="Resume the run in this directory.")
def command(file: Path | None, overrides: tuple[str, ...], out: Path | None, resumed: Path | None) -> int:
    """Train the pipeline in FILE, or resume a run (FILE may then be omitted)."""
    if file is None and resumed is None:
        raise click.UsageError("Name a pipeline FILE, or a run to --resume.")
    if file is None and overrides:
        raise click.UsageError("--set requires a pipeline FILE.")
    if out is not None and resumed is not None:
        raise click.UsageError("A resumed run stays in its own directory. Remove --out.")
    from registry_core.analysis.machine import unwritable
    from registry_core.components.forms import counted
    from registry_core.loaded import load
    from registry_core.planning.make import make_plan

    if out is not None and (reason := unwritable(out)):
        raise click.BadParameter(f"The run cannot be written there: {reason}.", param_hint="--out")
    loaded = load(file, overrides, here=True) if file else None
    tell(loaded.warnings if loaded else ())
    plan = make_plan(loaded) if loaded else None  # mistakes of the file are reported before torch is imported
    from registry_core.engine.api import resume, train

    if resumed is not None:
        result = resume(resumed, loaded)
    else:
        assert plan is not None
        assert file is not None
        result = train(plan, out, name="stdin" if file == STDIN else file.stem, tell=say_lines)
    say(result.reason)
    for name, values in result.summary["metrics"].items():
        last, best = (values[which] for which in ("last", "best"))
        shown = "not finite" if last is None else f"{last:.4f}"
        at_best = "" if best is None else f" (best {best:.4f} at step {values['best_step']})"
        say(f"{name}: {shown}{at_best}")
    if skipped := result.summary["skipped_steps"]:
        say(f"skipped: {skipped} of {counted(result.summary['steps'], 'step')}, where a value was not finite")
    say(f"run directory: {result.directory}")
    if result.signal is not None:
        say(f"Resume with: registry-core train --resume {shell_word(result.directory)}")
        return 128 + result.signal
    return 3 if result.summary["hook_errors"] else 0
