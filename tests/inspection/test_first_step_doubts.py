"""What the dry run says of a first step: gradients that stay 0, and a loss far above that of a guess."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import registry_core
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.inspection.dry_run.report import DryRun
from registry_core.planning.make import make_plan

LINEAR = {"linear": {"out_features": 8}}
LAST = {"linear": {"name": "head", "out_features": 10}}
CONV = {"conv2d": {"out_channels": 4, "kernel_size": 3, "padding": 1, "bias": False}}
RESIDUAL = {"residual": {"layers": [CONV, {"batch_norm2d": {"name": "last"}}]}}


@pytest.fixture
def deep(pipeline: Callable[..., Path]) -> Callable[..., DryRun]:
    def start(*layers: Any, **changes: Any) -> DryRun:
        changes = {"train": {"epochs": 1, "device": "cpu"}, **changes}
        if layers:
            changes["model"] = {"sequential": {"input": [1, 8, 8], "layers": list(layers)}}
        found = dry_run(make_plan(registry_core.load(pipeline(**changes))))
        assert found.problems == []
        return found

    return start


def codes(found: DryRun) -> list[str]:
    return [each.code for each in found.warnings]


def test_a_layer_before_a_dead_relu_has_no_gradient(deep: Callable[..., DryRun]) -> None:
    init = [{"names": "dead", "weight": "zeros", "bias": {"constant": {"value": -1.0}}}]
    found = deep("flatten", {"linear": {"name": "dead", "out_features": 8}}, "relu", LAST, init=init)
    (problem,) = found.warnings
    assert problem.code == "gradient-zero"
    assert "dead.weight" in problem.message
    assert "head.bias" not in problem.message


@pytest.mark.parametrize(
    ("layers", "init"),
    [
        ([CONV, "relu", RESIDUAL, "flatten", LAST], [{"names": ".*last", "weight": "zeros"}]),
        (["flatten", LINEAR, "relu", LAST], [{"names": "head", "weight": "zeros", "bias": "zeros"}]),
        ([{"conv2d": {"out_channels": 4, "kernel_size": 3}}, "batch_norm2d", "relu", "flatten", LAST], []),
    ],
    ids=["residual branch", "last layer", "bias before a normalization"],
)
def test_zeros_that_train_are_not_reported(deep: Callable[..., DryRun], layers: list[Any], init: list[Any]) -> None:
    assert codes(deep(*layers, init=init)) == []


def test_running_statistics_are_those_of_one_step(deep: Callable[..., DryRun]) -> None:
    """The passes that look for gradients change no figure of the report."""
    layers = [CONV, {"batch_norm2d": {"name": "bn"}}, "relu", RESIDUAL, "flatten", LAST]
    plain = deep(*layers, optim={"optimizer": {"sgd": {"lr": 1e-30}}})
    doubted = deep(*layers, optim={"optimizer": {"sgd": {"lr": 1e-30}}}, init=[{"names": ".*last", "weight": "ones"}])
    assert plain.sections["val"].loss == doubted.sections["val"].loss


def test_a_tiny_step_is_enough(deep: Callable[..., DryRun]) -> None:
    """A warm-up begins with a small rate; the layers before one of zeros then get small gradients."""
    layers = ["flatten", LINEAR, "relu", LAST]
    init = [{"names": "head", "weight": "zeros", "bias": "zeros"}]
    assert codes(deep(*layers, init=init, optim={"optimizer": {"sgd": {"lr": 1e-12}}})) == []


@pytest.mark.parametrize(("scale", "doubted"), [(1.0, False), (3.0, False), (300.0, True)])
def test_a_first_loss_is_compared_with_that_of_a_guess(
    deep: Callable[..., DryRun], scale: float, doubted: bool
) -> None:
    transforms = ["to_tensor", {"normalize": {"mean": [0.3], "std": [0.38 / scale]}}]
    data = {"dataset": {"digits": {"split": "val"}}, "transforms": transforms}
    found = deep(data__train=data, data__val=None, metrics=[])
    assert codes(found) == (["first-loss"] if doubted else [])
    loss = found.sections["train"].loss
    assert loss is not None
    assert (loss > 4 * math.log(10) + 4) == doubted


def test_a_run_from_weights_or_another_loss_is_not_compared(deep: Callable[..., DryRun]) -> None:
    transforms = ["to_tensor", {"normalize": {"mean": [0.3], "std": [0.001]}}]
    data = {"dataset": {"digits": {"split": "val"}}, "transforms": transforms}
    assert codes(deep(data__train=data, data__val=None, metrics=[], loss="multi_margin")) == []
