"""``registry-core sample``: trace one sample from the disk to the model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import as_json, columns, overrides, pipeline_file, say_lines

_LAST = 2**31 - 1
"""The last possible epoch: random numbers depend on the epoch as a 32-bit integer."""

if TYPE_CHECKING:
    from registry_core.inspection.trace import Entry, TraceStep


@click.command(
    "sample",
    short_help="Show what happens to one sample",
    epilog="Example: registry-core sample examples/digits.yaml --index 17 --epoch 3",
)
@pipeline_file()
@overrides
@click.option(
    "--section",
    type=click.Choice(["train", "val", "test"]),
    default="train",
    help="Data section; default: train.",
)
@click.option("--index", type=click.IntRange(min=0), default=0, help="Index of the sample; default: 0.")
@click.option(
    "--epoch", type=click.IntRange(0, _LAST), default=0, help="Epoch for random operations, from 0; default: 0."
)
@as_json
def command(file: Path, overrides: tuple[str, ...], section: str, index: int, epoch: int, as_json: bool) -> None:
    """Trace one sample step by step, with type, shape, dtype, range and time after each step.

    The steps are its position in the epoch, reading, every transform with its random decisions, the batch, batch
    transforms, and the input of the model. Everything is as in a run: the same crop, the same batch.
    """
    from registry_core.inspection.trace import trace
    from registry_core.loaded import load
    from registry_core.planning.make import make_plan

    steps = list(trace(make_plan(load(file, overrides)), section, index, epoch))  # type: ignore[arg-type]  # click has checked it
    if as_json:
        print_json([asdict(step) for step in steps])
        return
    rows: list[tuple[str, ...]] = [("step", "", "", "after it", "shape", "dtype", "range", "ms")]
    for step in steps:
        rows += _rows(step)
    say_lines(columns(rows))


def _rows(step: TraceStep) -> list[tuple[str, ...]]:
    first = (step.step, step.name, step.note)
    milliseconds = f"{step.seconds * 1000:.2f}"
    if not step.entries:
        return [(*first, "", "", "", "", milliseconds)]
    many = "" if step.views == 1 else f"{step.views} x "
    rows: list[tuple[str, ...]] = []
    for number, entry in enumerate(step.entries):
        before, after = (first, milliseconds) if number == 0 else (("", "", ""), "")
        rows.append((*before, f"{entry.name}: {many}{entry.type}", *_numbers(entry), after))
    return rows


def _numbers(entry: Entry) -> tuple[str, str, str]:
    if entry.shape is None:
        return "", "", entry.value
    values = "" if entry.low is None or entry.high is None else f"{entry.low:.4g} to {entry.high:.4g}"
    return " x ".join(str(side) for side in entry.shape) or "one number", entry.dtype, values
