"""``registry-core train``: train a pipeline, or resume a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_core.cli.interruption import unwinding
from registry_core.cli.options import PATH, overrides, pipeline_file, say, say_lines
from registry_core.cli.problems import tell
from registry_core.diagnostics import STDIN
from registry_core.diagnostics.shell_words import shell_word

if TYPE_CHECKING:
    from registry_core.engine.api import RunResult


@click.command(
    "train",
    short_help="Train a pipeline, or resume a run",
    epilog="Example: registry-core train examples/mnist.yaml --set train.epochs=3 --out runs/mine",
)
@pipeline_file(required=False)
@overrides
@click.option("--out", type=PATH, help="Run directory; default: runs/FILE-1, runs/FILE-2, ….")
@click.option(
    "--resume",
    "resumed",
    metavar="RUN|CHECKPOINT",
    type=PATH,
    help="Resume the run in this directory; from one of its CHECKPOINTs or with --out, in a new directory.",
)
@click.option("--go-on", is_flag=True, help="With --resume: train on although a hook stopped the run.")
def command(file: Path | None, overrides: tuple[str, ...], out: Path | None, resumed: Path | None, go_on: bool) -> int:
    """Train the pipeline in FILE, or resume a run.

    A resumed run keeps its own pipeline, with the changes of --set, such as where its data are now, or takes that of
    FILE.
    """
    if file is None and resumed is None:
        raise click.UsageError("Name a pipeline FILE, or a run to --resume.")
    if go_on and resumed is None:
        raise click.UsageError("--go-on requires a run to --resume.")
    from registry_core.analysis.machine import unwritable
    from registry_core.loaded import load
    from registry_core.planning.make import make_plan

    if out is not None and (reason := unwritable(out)):
        raise click.BadParameter(f"The run cannot be written there: {reason}.", param_hint="--out")
    loaded = load(file, overrides, here=True) if file else None
    tell(loaded.warnings if loaded else ())
    plan = make_plan(loaded) if loaded else None  # mistakes of the file are reported before torch is imported
    from registry_core.engine.api import resume, train

    with unwinding():
        if resumed is not None:
            own = () if file is not None else overrides  # those of a FILE are in it already
            result = resume(resumed, loaded, overrides=own, out=out, go_on=go_on)
        else:
            assert plan is not None
            assert file is not None
            result = train(plan, out, name="stdin" if file == STDIN else file.stem, tell=say_lines)
    _print(result)
    if result.signal is not None:
        return 128 + result.signal
    return 3 if result.summary["hook_errors"] else 0


def _print(result: RunResult) -> None:
    from registry_core.components.forms import counted

    say(result.reason)
    for name, values in result.summary["metrics"].items():
        last, best = (values[which] for which in ("last", "best"))
        shown = "not finite" if last is None else f"{last:.4f}"
        at_best = "" if best is None else f" (best {best:.4f} at step {values['best_step']})"
        say(f"{name}: {shown}{at_best}")
    if skipped := result.summary["skipped_steps"]:
        say(f"skipped: {skipped} of {counted(result.summary['steps'], 'step')}, where a value was not finite")
    if faulty := result.summary["skipped_samples"]:
        length = {name: len(loader.executor.reader) for name, loader in result.pipeline.loaders.items()}
        each = [f"{number:,} of {length[name]:,} of data.{name}" for name, number in faulty.items()]
        say(f"skipped samples: {', '.join(each)}; listed in {result.directory / 'skipped.jsonl'}")
    say(f"run directory: {result.directory}")
    if result.signal is not None and result.position.step < result.pipeline.horizon.total_steps:
        say(f"Resume with: registry-core train --resume {shell_word(result.directory)}")
