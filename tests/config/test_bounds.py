"""What a small file may cost: mistakes, layers, paths and numbers are bounded before they are paid for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import PIPELINE

from registry_core.config.loading.limits import MAX_MISTAKES
from registry_core.config.text.fixes import applicable, corrected
from registry_core.config.text.tree import read_text
from registry_core.diagnostics import PipelineError, Problem
from registry_core.loaded import load, load_unseen


def errors(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(PipelineError) as refused:
        load(path)
    return refused.value.problems


@pytest.mark.parametrize(
    "changes",
    [
        {"hooks": ["progres"] * 500},
        {"hooks": [{"checkpoint": {"every": "x"}}] * 500},
        {"metrics": [{"top_k_accuracy": {f"k{n}": 1 for n in range(500)}}]},
        {f"metric{n}": 1 for n in range(500)},
        {"metrics": ["accuracy"] * 500},
    ],
)
def test_of_very_many_mistakes_a_hundred_are_shown(pipeline: Callable[..., Path], changes: dict[str, Any]) -> None:
    found = errors(pipeline(**changes))
    assert MAX_MISTAKES // 2 < len(found) <= MAX_MISTAKES
    assert any("More mistakes follow" in problem.message for problem in found)


def test_all_of_fewer_mistakes_are_shown(pipeline: Callable[..., Path]) -> None:
    found = errors(pipeline(hooks=["progres"] * (MAX_MISTAKES - 1)))
    assert len(found) == MAX_MISTAKES - 1
    assert not any("More mistakes follow" in problem.message for problem in found)
    assert all(problem.fix is not None and problem.fix.new == "progress" for problem in found)


def sequential(*layers: Any) -> dict[str, Any]:
    return {"sequential": {"input": [1, 8, 8], "layers": ["flatten", *layers, {"linear": {"out_features": 10}}]}}


def repeated(times: int, *layers: Any) -> dict[str, Any]:
    return {"repeat": {"times": times, "layers": list(layers)}}


@pytest.mark.parametrize(
    ("layers", "path"),
    [
        ([repeated(1000, *["relu"] * 5)], "layers[1].repeat"),
        ([repeated(100, repeated(100, "relu"))], "layers[1].repeat"),
        ([repeated(2, repeated(1000, *["relu"] * 5))], "layers[1].repeat.layers[0].repeat"),
        ([repeated(900, "relu")] * 3, "layers"),
        (["relu"] * 4000, "layers"),
        ([{"block": {"layers": ["relu"] * 4001}}], "layers[1].block.layers"),
        ([{"residual": {"layers": [repeated(999, "relu"), repeated(999, "relu"), "relu"]}}] * 2, "layers"),
    ],
)
def test_a_model_has_a_bounded_number_of_layers(pipeline: Callable[..., Path], layers: list[Any], path: str) -> None:
    (problem,) = errors(pipeline(model=sequential(*layers)))
    assert problem.path == f"model.sequential.{path}"
    assert "at most 4,000" in problem.message


def test_a_model_of_as_many_layers_is_allowed(pipeline: Callable[..., Path]) -> None:
    spec = load_unseen(pipeline(model=sequential(repeated(999, "relu", "relu"), *["relu"] * 1000))).spec
    assert len(spec.model.layer_facts()) > 3900


@pytest.mark.parametrize("root", ["x" * 300, "x/" * 3000, "a\0b", "~no-such-user/x", "/" + "y/" * 2050])
def test_a_path_that_no_file_has(pipeline: Callable[..., Path], root: str) -> None:
    path = pipeline(data__train__dataset={"image_folder": {"root": root}})
    (problem,) = errors(path)
    assert (problem.code, problem.path) == ("wrong-value", "data.train.dataset.image_folder.root")


NUMBERS = [
    *[
        "0x10",
        "0X1F",
        "0o17",
        "0b1",
        "017",
        "1_000",
        "1__0",
        "_1",
        "1e5",
        "1E5",
        "1e999",
        "-1e999",
        ".5",
        "5.",
        ".",
        "-",
    ],
    *[
        "-0",
        "+0",
        "--1",
        "inf",
        ".inf",
        ".nan",
        "nan",
        "1/0",
        "1/10",
        "10**300",
        "9**9**9",
        "99999%",
        "20 %",
        "1k",
        "1,5",
    ],
    *["\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "\N{FULLWIDTH DIGIT THREE}", "\N{ROMAN NUMERAL FIVE}"],
    *[
        "9" * 5000,
        "9" * 5000 + "%",
        "9" * 400 + "k",
        "0x" + "f" * 4000,
        "0." + "1" * 5000,
        "1" * 300 + "e300",
        "-1",
        "2",
    ],
    *[
        "1 epoch",
        "9" * 5000 + " epochs",
        "\N{ARABIC-INDIC DIGIT THREE} epochs",
        "0x10 steps",
        "1_000 steps",
        "1e3 steps",
    ],
    *[">=" + "9" * 5000, "==1.dev" + "9" * 5000, ">=1.\N{ARABIC-INDIC DIGIT THREE}"],
]
PLACES = [
    *[("version",), ("seed",), ("data", "batch_size"), ("model", "mlp", "hidden", 0)],
    *[("loss", "cross_entropy", "label_smoothing"), ("optim", "optimizer", "sgd", "lr"), ("train", "epochs")],
    *[
        ("train", "evaluate_every"),
        ("train", "clip", "norm"),
        ("hooks", 0, "checkpoint", "every"),
        ("requires", "torch"),
    ],
    *[("data", "train", "transforms", 1, "random_erasing", "p"), ("optim", "scheduler", "cosine_annealing", "warmup")],
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_number_as_text_is_refused_and_its_correction_accepted(
    pipeline: Callable[..., Path], place: tuple[Any, ...]
) -> None:
    """Nowhere is there a traceback, and what ``--fix`` writes is not the next mistake."""
    right = copy.deepcopy(PIPELINE) | {
        "seed": 0,
        "requires": {"torch": ">=2"},
        "hooks": [{"checkpoint": {"every": "1 epoch"}}],
    }
    right["loss"] = {"cross_entropy": {"label_smoothing": 0.1}}
    right["train"] |= {"evaluate_every": "1 epoch", "clip": {"norm": 1.0}}
    right["optim"]["scheduler"] = {"cosine_annealing": {"warmup": "1 epoch"}}
    right["data"]["train"]["transforms"] = ["to_tensor", {"random_erasing": {"p": 0.5}}]
    fixed = 0
    for text in NUMBERS:
        data = copy.deepcopy(right)
        parent: Any = data
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = text
        path = pipeline(json.dumps(data))
        try:
            load(path)
        except PipelineError as error:
            found = error.problems
        else:
            continue
        assert all(len(str(problem)) < 700 and "4300" not in str(problem) for problem in found), text
        written = path.read_text()
        if fixes := applicable(found, written, str(path)):
            fixed += 1
            path.write_text(corrected(written, fixes))
            assert read_text(path.read_text(), "x").data != data
            load(path)
    assert fixed or place[0] == "requires" or str(place[-1]).endswith(("every", "warmup"))


def test_a_number_that_is_refused_without_its_quotes_says_why(pipeline: Callable[..., Path]) -> None:
    (problem,) = errors(pipeline(train__epochs="-1"))
    assert problem.fix is None
    assert problem.remedy == "-1 must be at least 1. Use a number in the range."


@pytest.mark.parametrize("number", [2**64, -(2**64), 10**30, 10**300, "0x" + "f" * 17])
def test_integers_have_64_bits(pipeline: Callable[..., Path], number: Any) -> None:
    (problem,) = errors(pipeline(f"version: 1\nseed: {number}\n"))
    assert (problem.code, problem.message) == ("number-not-finite", "This number is too large.")
