"""The data of the package: what ``make_index.py`` read from pytorch_optimizer, and what is said in our own words."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent / "data"

NEEDS = {"pytorch_optimizer": "pytorch_optimizer>=4.1,<5"}
"""The requirement that brings pytorch_optimizer, by its module."""


class Sentence(NamedTuple):
    """What an optimizer does, where it is described, and what a user must know besides."""

    does: str
    source: str
    note: str = ""


class Parameter(NamedTuple):
    """What is said of a parameter: the range of each number in it, and a sentence."""

    range: str
    description: str


@cache
def recorded() -> dict[str, Any]:
    """What was read from pytorch_optimizer, with its ``version``."""
    found: dict[str, Any] = json.loads((_FOLDER / "optimizers.json").read_text(encoding="utf-8"))
    return found


@cache
def sentences() -> dict[str, Sentence]:
    """What is said of each optimizer, by its name in pytorch_optimizer."""
    return {name: Sentence(*said) for name, *said in _rows("sentences.tsv")}


@cache
def parameters() -> dict[str, Parameter]:
    """What is said of parameters, by their names or as ``optimizer.name``."""
    return {name: Parameter(*said) for name, *said in _rows("parameters.tsv")}


def parameter(optimizer: str, name: str) -> Parameter | None:
    """What is said of a parameter of an optimizer; None if it is not offered."""
    return parameters().get(f"{optimizer}.{name}", parameters().get(name))


def _rows(file: str) -> list[list[str]]:
    lines = (_FOLDER / file).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]
