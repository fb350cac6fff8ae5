"""``registry-core whiten``: compute the whitening matrix of the training data of a pipeline."""

from __future__ import annotations

from pathlib import Path

import click

from registry_core.cli.json_output import print_json
from registry_core.cli.options import PATH, FiniteRange, as_json, overrides, pipeline_file, say


@click.command(
    "whiten",
    short_help="Compute the whitening matrix of the training images",
    epilog="Example: registry-core whiten pipeline.yaml --out whitening.safetensors",
)
@pipeline_file()
@overrides
@click.option("--out", type=PATH, required=True, help="The safetensors file to write.")
@click.option(
    "--method",
    type=click.Choice(["zca", "pca"]),
    default="zca",
    help="zca (the default) keeps images close to the originals; pca returns principal components, largest first.",
)
@click.option(
    "--epsilon",
    type=FiniteRange(min=0, min_open=True),
    default=1e-3,
    help="Added to every variance, so that nearly constant pixels do not become noise; default: 0.001.",
)
@click.option(
    "--before",
    default="linear_transformation",
    help="Use images as they reach this transform; default: linear_transformation, else the end.",
)
@as_json
def command(
    file: Path, overrides: tuple[str, ...], out: Path, method: str, epsilon: float, before: str, as_json: bool
) -> None:
    """Compute mean and whitening matrix of the training images, in one pass, and write them to a file.

    Memory holds one n x n matrix for images of n values, not the data. Random transforms act as in epoch 0.
    """
    from registry_core.inspection.whitening import whitening_of
    from registry_core.loaded import load_unseen

    if reason := _unusable(out):
        raise click.BadParameter(f"The file cannot be written there: {reason}.", param_hint="--out")
    made = whitening_of(load_unseen(file, overrides).spec, before, "pca" if method == "pca" else "zca", epsilon)
    made.save(out)
    facts = {"file": str(out), "images": made.images, "numbers": len(made.mean), "method": method, "epsilon": epsilon}
    if as_json:
        print_json(facts)
        return
    say(f"{made.images} images of {len(made.mean)} values; {method}, epsilon {epsilon:g}")
    say(f"wrote {out}")


def _unusable(file: Path) -> str:
    """The reason why a file cannot be written, checked before the data are read; empty if it can."""
    from registry_core.analysis.machine import unwritable

    if file.exists() and not file.is_file():
        return f"{str(file)!r} is a folder" if file.is_dir() else f"{str(file)!r} is not a regular file"
    if not file.parent.is_dir():
        return f"the folder {str(file.parent)!r} does not exist"
    return unwritable(file.parent)
