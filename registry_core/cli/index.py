"""``registry-core index``: write an index file of class folders."""

from __future__ import annotations

from pathlib import Path

import click

from registry_core.cli.options import PATH, say


@click.command(
    "index",
    short_help="Write an index file of the images in class folders",
    epilog="Example: registry-core index photos/train --out photos/train.txt",
)
@click.argument("folder", type=PATH)
@click.option("--out", type=PATH, help="Index file; default: index.txt in FOLDER.")
def command(folder: Path, out: Path | None) -> None:
    """Write a text file of `path label` lines for the images in the class folders of FOLDER."""
    from registry_core.components.index_file import write_index

    path = out or folder / "index.txt"
    summary = write_index(folder, path)
    for label, (name, count) in enumerate(zip(summary.class_names, summary.counts, strict=True)):
        say(f"{label}  {name}  {count} images")
    say(f"wrote {path}")
    if summary.left_out is not None:
        say(f"warning: The index does not list {summary.left_out}.", err=True)
