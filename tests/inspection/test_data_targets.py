"""What the report of data says of targets of every form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from registry_core.assembly.data.targets import TargetCheck, target_check
from registry_core.components import DataFacts
from registry_core.loaded import load_unseen


@pytest.mark.parametrize(
    ("form", "target", "problem"),
    [
        ("class_indices", 2, ""),
        ("class_indices", torch.tensor(2), ""),
        ("class_indices", np.int64(3), "The label 3 is outside the classes 0 to 2."),
        ("class_indices", -1, "The label -1 is outside the classes 0 to 2."),
        ("class_indices", 1.0, "The target is not one class index, but the float64 1."),
        ("class_indices", "cat", "The target is not one class index, but str."),
        ("class_indices", torch.tensor([1, 2]), "The target is not one class index, but 2 values."),
        ("any", 3, "The label 3 is outside the classes 0 to 2."),
        ("any", "anything", ""),
        ("class_maps", torch.tensor([[0, 2], [255, 1]]), ""),
        ("class_maps", torch.tensor([[0, 3], [3, 1]]), "The class index 3 is outside the classes 0 to 2. 2 of"),
        ("class_lists", torch.tensor([2, -1, -1]), ""),
        ("class_lists", torch.tensor([3, -1, -1]), "The class index 3 is outside the classes 0 to 2."),
        ("sequences", torch.tensor([1, 2, 9]), ""),
        ("multi_hot", torch.tensor([0.0, 1, 1]), ""),
        ("multi_hot", torch.tensor([0.0, 1]), "The target has 2 values, but there are 3 classes."),
        ("multi_hot", torch.tensor([0.0, 1, 2]), "The target has the value 2, which is neither 0 nor 1."),
        ("signs", 0.0, "The target has the value 0, which is neither -1 nor 1."),
        ("one_hot", torch.tensor([1.0, 1, 0]), "The target has 2 classes at once, but needs exactly one."),
        ("distributions", torch.tensor([0.5, 0.25, 0.25]), ""),
        ("distributions", torch.tensor([0.5, 0.5, 0.5]), "The target is no distribution: its values sum to 1.5"),
        ("counts", torch.tensor([2.0]), ""),
        ("counts", torch.tensor([2.5]), "The target is no count: the float32 2.5."),
        ("values", torch.tensor([-3.5]), ""),
    ],
)
def test_targets(form: Any, target: Any, problem: str) -> None:
    found = TargetCheck(form, 3, frozenset({255})).problem({"target": target, "target_length": 2})
    assert found.startswith(problem) if problem else found == ""


def test_what_targets_must_be_follows_from_data_model_and_loss(pipeline: Callable[..., Path]) -> None:
    spec = load_unseen(pipeline(loss={"cross_entropy": {"ignore_index": 255}})).spec
    maps = DataFacts(num_classes=12, target_form="class_maps")
    assert target_check(spec, maps, None) == TargetCheck("class_maps", 10, frozenset({255}))
    assert target_check(spec, DataFacts(num_classes=4), None).classes == 4
    distances = load_unseen(pipeline(loss="triplet_margin", metrics=[])).spec
    assert target_check(distances, DataFacts(), maps).classes is None


def test_numbers_that_may_be_values_are_left_alone() -> None:
    assert TargetCheck("any", None).problem({"target": -4}) == ""
    assert TargetCheck("class_indices", None).problem({"target": -4}) == "The label -4 is negative."
    assert TargetCheck("values", 3).problem({}) == ""


@pytest.mark.parametrize(
    ("labels", "length", "steps", "problem"),
    [
        ([1, 2, 3], 3, 3, ""),
        ([1, 1, 3], 3, 3, "The target has 3 labels and needs 4 time steps"),
        ([1, 1, 1], 3, 5, ""),
        ([1, 1, 1], 3, 4, "The target has 3 labels and needs 5 time steps"),
        ([1, 1, 1], 1, 1, ""),
        ([1, 1, 1], 3, None, ""),
    ],
)
def test_sequences_need_time_steps(labels: list[int], length: int, steps: int | None, problem: str) -> None:
    """The loss of torch is finite exactly for targets without a problem."""
    sample = {"target": torch.tensor(labels), "target_length": length}
    found = TargetCheck("sequences", 4, time_steps=steps).problem(sample)
    assert found.startswith(problem) if problem else found == ""
    if steps is not None:
        outputs = torch.zeros(steps, 1, 4).log_softmax(-1)
        given = (torch.tensor([steps]), torch.tensor([length]))
        loss = torch.nn.functional.ctc_loss(outputs, torch.tensor([labels[:length]]), *given)
        assert bool(loss.isfinite()) == (problem == "")


@pytest.mark.parametrize(("loss", "steps"), [("ctc", 6), ({"ctc": {"zero_infinity": True}}, None)])
def test_the_time_steps_are_those_of_the_model(pipeline: Callable[..., Path], loss: Any, steps: int | None) -> None:
    lines = {"lines": {"dataset": {"digits": {"split": "val"}}, "longest": 3, "shift": 0, "length": 9}}
    data = {"dataset": lines, "transforms": [{"resize": {"size": [8, 24]}}, "to_tensor"]}
    model = {"crnn": {"size": [8, 24], "num_classes": 11}}
    spec = load_unseen(pipeline(data__train=data, data__val=None, metrics=[], loss=loss, model=model)).spec
    assert target_check(spec, DataFacts(target_form="sequences"), None).time_steps == steps
