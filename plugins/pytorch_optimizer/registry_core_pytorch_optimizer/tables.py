"""Data of the package: facts that ``make_index.py`` read from pytorch_optimizer, and descriptions."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "data"

NEEDS = {"pytorch_optimizer": "pytorch_optimizer>=4.1,<5"}
"""The requirement that installs pytorch_optimizer, by its module."""


class Sentence(NamedTuple):
    """Description of an optimizer, its source, and a note for users."""

    does: str
    source: str
    note: str = ""


class Parameter(NamedTuple):
    """A parameter: the range of each number in its value, and its description."""

    range: str
    description: str


@cache
def recorded() -> dict[str, Any]:
    """Return the data read from pytorch_optimizer, with its ``version``."""
    found: dict[str, Any] = json.loads((_FOLDER / "optimizers.json").read_text(encoding="utf-8"))
    return found


@cache
def sentences() -> dict[str, Sentence]:
    """Return the description of each optimizer, by its name in pytorch_optimizer."""
    return {name: Sentence(*said) for name, *said in _rows("sentences.tsv")}


@cache
def parameters() -> dict[str, Parameter]:
    """Return the descriptions of parameters, by ``name`` or ``optimizer.name``."""
    return {name: Parameter(*said) for name, *said in _rows("parameters.tsv")}


def parameter(optimizer: str, name: str) -> Parameter | None:
    """Return the description of a parameter of an optimizer, or None if the parameter is not offered."""
    return parameters().get(f"{optimizer}.{name}", parameters().get(name))


def _rows(file: str) -> list[list[str]]:
    lines = (_FOLDER / file).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]
