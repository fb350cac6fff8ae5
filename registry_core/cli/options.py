"""Options and output that several commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def as_json(command: F) -> F:
    """The option ``--json`` of commands that print facts."""
    return click.option("--json", "as_json", is_flag=True, help="Print facts for programs instead of text.")(command)


def overrides(command: F) -> F:
    """The option ``--set KEY=VALUE`` of commands that load a pipeline file."""
    text = "Override one value, such as train.epochs=3 or optim.optimizer.sgd.lr=0.05. Can be repeated."
    return click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help=text)(command)


def print_json(data: Any) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def tell_notices(notices: Sequence[object]) -> None:
    """Print what is right today in a pipeline file, and should be changed."""
    for notice in notices:
        click.echo(f"note: {notice}", err=True)


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text with aligned columns."""
    if not rows:
        return ""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
