"""Warnings are silenced by their code, everywhere or at one place; what silences nothing is a warning itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry_core import check
from registry_core.config import dump
from registry_core.loaded import load

SPLIT = {"dataset": {"digits": {"split": "train"}}, "transforms": ["to_tensor"]}


def codes(folder: Path, ignore: list[Any]) -> list[tuple[str, str]]:
    """The warnings of a pipeline that is evaluated and tested on its training data."""
    path = folder / "p.json"
    pipeline = {
        "version": 1,
        "data": {"train": SPLIT, "val": SPLIT, "test": SPLIT},
        "model": {"mlp": {"size": 8, "num_classes": 10}},
        "loss": "cross_entropy",
        "optim": {"optimizer": {"sgd": {"lr": 0.1}}},
        "ignore": ignore,
    }
    path.write_text(json.dumps(pipeline))
    loaded = load(path)
    found = [(problem.code, problem.path) for problem in loaded.warnings]
    again = load(written(folder, dump(loaded.spec)))  # as a run records it
    same = [one for one in found if one[0] == "same-data"]
    assert [(problem.code, problem.path) for problem in again.warnings if problem.code == "same-data"] == same
    assert [(problem.code, problem.path) for problem in check(loaded.spec) if problem.code == "same-data"] == same
    return found


def written(folder: Path, data: dict[str, Any]) -> Path:
    path = folder / "again.json"
    path.write_text(json.dumps(data))
    return path


VAL, TEST = ("same-data", "data.val.dataset"), ("same-data", "data.test.dataset")


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ([], [VAL, TEST]),
        (["same-data"], []),
        ([{"same-data": "data"}], []),
        ([{"same-data": "data.val"}], [TEST]),
        ([{"same-data": "data.val.dataset"}], [TEST]),
        ([{"same-data": "data.val.dataset.digits"}], [VAL, TEST, ("unused-ignore", "ignore[0]")]),
        (["same-data", {"random-evaluation": "data.val.transforms[0]"}], [("unused-ignore", "ignore[1]")]),
        (["same-data", {"random-evaluation": "data.val.transforms.0"}], [("unused-ignore", "ignore[1]")]),
        (["same-data", "disk-space", "gradient-missing"], []),  # found later or elsewhere, if at all
    ],
)
def test_codes_and_places(tmp_path: Path, ignore: list[Any], left: list[tuple[str, str]]) -> None:
    assert sorted(codes(tmp_path, ignore)) == sorted(left)
