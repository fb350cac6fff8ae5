"""The data of the package: what ``make_index.py`` read from timm, and what each parameter is."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "data"

NEEDS = {"timm": "timm>=1.0.20"}
"""The requirement that brings timm, by its module."""


class Parameter(NamedTuple):
    """What is said of a parameter: the range of each number in it, and a sentence."""

    range: str
    description: str


@cache
def read(name: str) -> dict[str, Any]:
    """A file of data, read once."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def parameters(name: str) -> dict[str, Parameter]:
    """A table of parameters, by their names."""
    lines = (_FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {parameter: Parameter(numbers, description) for parameter, numbers, description in rows}
