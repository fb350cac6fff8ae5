"""Data of the package: facts that ``make_index.py`` read from timm, and descriptions of the parameters."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "data"

NEEDS = {"timm": "timm>=1.0.20"}
"""The requirement that installs timm, by its module."""


class Parameter(NamedTuple):
    """A parameter: the range of each number in its value, and its description."""

    range: str
    description: str


@cache
def read(name: str) -> dict[str, Any]:
    """Return the contents of a data file, read once."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def parameters(name: str) -> dict[str, Parameter]:
    """Return a table of parameters by name."""
    lines = (_FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {parameter: Parameter(numbers, description) for parameter, numbers, description in rows}
