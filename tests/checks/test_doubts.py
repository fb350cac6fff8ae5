"""Warnings of what runs, and hardly does what is meant: each is in tests/mistakes; here is when there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from test_mistakes import GOOD

from registry_core.diagnostics import PipelineError
from registry_core.loaded import load

ELSEWHERE = {"finetune.yaml", "mnist.yaml"}
"""Examples whose data are not here."""

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yaml") if path.name not in ELSEWHERE)


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_no_example_is_doubted(path: Path) -> None:
    assert load(path).warnings == ()


def test_doubts_wait_until_nothing_is_wrong(pipeline: Callable[..., Path]) -> None:
    """A spec with holes would raise false ones."""
    doubted = GOOD.replace("{split: val}", "{split: train}")
    (problem,) = load(pipeline(doubted)).warnings
    assert problem.code == "same-data"
    with pytest.raises(PipelineError) as refused:
        load(pipeline(doubted.replace("sgd", "sdg")))
    assert [problem.code for problem in refused.value.problems] == ["unknown-component"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("[accuracy]", "[accuracy, precision]", id="as it is"),
        pytest.param("- {random_crop", "- {random_invert: {p: 0.5}}\n      - {random_crop", id="random in train"),
        pytest.param(
            "[to_tensor, {norm",
            "[{center_crop: {size: 6}}, {pad: {padding: 1}}, to_tensor, {norm",
            id="never random in val",
        ),
        pytest.param("mean: [0.3], std: [0.4]}}]", "mean: [0.31], std: [0.4]}}]", id="nearly the same range"),
        pytest.param(
            "- to_tensor", "- to_tensor\n      - {random_erasing: {value: -0.2}}", id="erased before normalize"
        ),
        pytest.param(
            "std: [0.4]}}\n  val", "std: [0.4]}}\n      - {random_erasing: {value: -1.0}}\n  val", id="erased to black"
        ),
        pytest.param(
            "- to_tensor",
            "- {random_choice: {transforms: [to_tensor, {to_dtype: {dtype: float32, scale: true}}]}}",
            id="converted by chance",
        ),
        pytest.param("mean: [0.3], std: [0.4]", "mean: [0.05], std: [0.015]", id="low contrast"),
        pytest.param("{step: {step_size: 1}}", "{cosine_annealing: {t_max: 2}}", id="t_max is the run"),
        pytest.param("{step: {step_size: 1}}", "{polynomial: {total_iters: 2}}", id="total_iters is the run"),
        pytest.param("{monitor: val/loss}", "{monitor: val/accuracy, better: higher}", id="the metric's direction"),
        pytest.param("{monitor: val/loss}", "{monitor: val/loss, patience: 1}", id="patience within the run"),
        pytest.param("epochs: 2", "epochs: 2, accumulate: 23", id="a step an epoch"),
        pytest.param("epochs: 2", "epochs: 2, evaluate_every: 2 epochs", id="evaluated at the end"),
        pytest.param("epochs: 2", "epochs: 2, ema: {decay: 0.9}", id="a short average"),
        pytest.param("[{early", "[{tensorboard_images: {section: val}}, tensorboard_images, {early", id="two alike"),
    ],
)
def test_what_is_meant_so_is_not_doubted(pipeline: Callable[..., Path], old: str, new: str) -> None:
    assert old in GOOD
    assert load(pipeline(GOOD.replace(old, new))).warnings == ()


def test_a_transform_that_is_used_twice_is_compared_with_its_counterpart(pipeline: Callable[..., Path]) -> None:
    def warned(*bits: int) -> list[str]:
        trained, evaluated = (
            [*({"random_posterize": {"bits": each, "p": 1.0}} for each in section), "to_tensor"]
            for section in ((5, 3), bits)
        )
        train = {"dataset": {"digits": {"split": "train"}}, "transforms": trained}
        return [problem.code for problem in load(pipeline(data__train=train, data__val__transforms=evaluated)).warnings]

    assert warned(5, 3) == []
    assert warned(5, 4) == ["prepared-differently"]
