"""``registry-core predict``: classify images with a trained model."""

from __future__ import annotations

from pathlib import Path

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, as_json, columns, overrides, say_lines


@click.command(
    "predict",
    short_help="Name the most probable classes of images",
    epilog="Example: registry-core predict runs/digits-1 seven.png --top 3",
)
@click.argument("run", metavar="RUN|CHECKPOINT", type=PATH)
@click.argument("images", metavar="IMAGE|FOLDER...", nargs=-1, required=True, type=PATH)
@click.option("--top", default=1, show_default=True, type=click.IntRange(min=1), help="Classes for each image.")
@click.option("--best", is_flag=True, help="Use the best checkpoint of a run instead of the latest.")
@overrides
@as_json
def command(
    run: Path, images: tuple[Path, ...], top: int, best: bool, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Name the most probable classes of images, after the transforms that the run evaluates with.

    Of a FOLDER, all images in it and below it are read, sorted by path.
    """
    from registry_core.engine.trained import predict

    predictions = predict(run, images, best=best, top=top, overrides=overrides)
    if as_json:
        print_json(predictions)
        return
    rows = [
        (str(found["image"]), *(f"{one['name']} {one['probability']:.3f}" for one in found["classes"]))
        for found in predictions
    ]
    say_lines(columns(rows))
