"""Sound models, losses and metrics are not doubted. What is doubted is in tests/mistakes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

import registry_core
from registry_core.diagnostics import PipelineError
from registry_core.diagnostics.codes import CODES

HIDDEN = {"linear": {"out_features": 32}}
LAST = {"linear": {"out_features": 10}}
CONV = {"conv2d": {"out_channels": 8, "kernel_size": 3, "padding": 1}}
NARROW = {"conv2d": {"out_channels": 4, "kernel_size": 1}}
DEPTHWISE = {"conv2d": {"out_channels": 8, "kernel_size": 3, "padding": 1, "groups": 8}}
END = ["relu", "flatten", LAST]


def network(*layers: Any) -> dict[str, Any]:
    return {"model": {"sequential": {"input": [1, 8, 8], "layers": list(layers)}}}


def doubts(path: Path) -> list[str]:
    """The codes of warnings of the model, the loss and the metrics."""
    found = registry_core.load(path).warnings
    return [each.code for each in found if CODES[each.code].theme == "Model, loss and metrics" or "batch" in each.code]


SOUND: dict[str, dict[str, Any]] = {
    "linear regression": network("flatten", LAST),
    "a bottleneck": network("flatten", HIDDEN, "relu", {"linear": {"out_features": 4}}, HIDDEN, "relu", LAST),
    "depthwise separable": network(CONV, "relu", DEPTHWISE, {"conv2d": {"out_channels": 16, "kernel_size": 1}}, *END),
    "a linear bottleneck": network(CONV, "relu", NARROW, CONV, *END),
    "a column and a row": network(
        CONV, "relu",
        {"conv2d": {"out_channels": 8, "kernel_size": [3, 1]}}, {"conv2d": {"out_channels": 8, "kernel_size": [1, 3]}},
        *END,
    ),
    "an up-convolution": network(
        CONV, "relu", {"conv_transpose2d": {"out_channels": 8, "kernel_size": 2, "stride": 2}}, CONV, *END
    ),
    "pooling between": network(CONV, {"max_pool2d": {"kernel_size": 2}}, CONV, *END),
    "residual blocks without an activation": network(
        CONV, "relu", {"residual": {"layers": [CONV, "batch_norm2d"]}}, {"residual": {"layers": [CONV]}},
        {"adaptive_avg_pool2d": {"output_size": 1}}, "flatten", LAST,
    ),
    "an activation after a normalization": network(CONV, "relu", "batch_norm2d", "relu", "flatten", LAST),
    "pooling of a single pixel": network(
        CONV, "relu", *[{"adaptive_avg_pool2d": {"output_size": 1}}] * 2, "flatten", LAST
    ),
    "momentum of torch": network("flatten", HIDDEN, {"batch_norm1d": {"momentum": 0.01}}, "relu", LAST),
    "probabilities of one class each": {
        **network("flatten", LAST, "softmax"), "loss": "mse",
        "data__train": {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor", "one_hot"]},
        "data__val": None, "metrics": [],
    },
    "zeros at the end": {
        **network("flatten", HIDDEN, "relu", {"linear": {"name": "head", "out_features": 10}}),
        "init": [{"names": "head", "weight": "zeros", "bias": "zeros"}],
    },
    "zeros before tanh": {
        **network("flatten", {"linear": {"name": "fc", "out_features": 9}}, "tanh", LAST),
        "init": [{"names": "fc", "weight": "zeros", "bias": "zeros"}],
    },
    "zeros that a later rule replaces": {
        **network("flatten", HIDDEN, "batch_norm1d", "relu", LAST),
        "init": [{"modules": "BatchNorm1d", "weight": "zeros", "bias": "zeros"}, {"names": "2", "weight": "ones"}],
    },
    "zeros in a residual branch": {
        **network(CONV, "relu", {"residual": {"layers": [CONV, {"batch_norm2d": {"name": "zero"}}, "relu"]}}, *END[1:]),
        "init": [{"names": ".*zero", "weight": "zeros", "bias": "zeros"}],
    },
    "an index that is no class": {"loss": {"cross_entropy": {"ignore_index": 255}}},
    "usual smoothing": {"loss": {"cross_entropy": {"label_smoothing": 0.1}}},
    "different weights": {"loss": {"cross_entropy": {"weight": [0.1, *[1] * 9]}}},
    "macro averages": {"metrics": ["accuracy", {"recall": {"average": "macro"}}, {"top_k_accuracy": {"k": 2}}]},
    "group norm of single images": {**network(CONV, {"group_norm": {"num_groups": 4}}, *END), "data__batch_size": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_is_not_doubted(name: str, pipeline: Callable[..., Path]) -> None:
    assert doubts(pipeline(**SOUND[name])) == []


def values(dataset: dict[str, Any], *layers: Any, loss: Any = "mse", size: int = 8) -> dict[str, Any]:
    data = {"dataset": {next(iter(dataset)): {"dataset": "digits", **next(iter(dataset.values()))}}}
    return {
        "data__train": {**data, "transforms": ["to_tensor"]}, "data__val": None, "metrics": [], "loss": loss,
        "model": {"sequential": {"input": [1, size, size], "layers": ["flatten", HIDDEN, "relu", *layers]}},
    }  # fmt: skip


ONE = {"linear": {"out_features": 1}}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (values({"counts": {}}, ONE, "relu", size=20), []),
        (values({"counts": {"size": 4, "cells": [3, 3], "shift": 0}}, ONE, "relu6", size=12), ["unreachable-target"]),
        (values({"counts": {"least": 1}}, ONE, "relu", loss="poisson_nll", size=20), []),
        (values({"counts": {}}, ONE, "relu", loss={"poisson_nll": {"log_input": False}}, size=20), []),
        (values({"rotated": {}}, ONE, "tanh"), []),
        (values({"rotated": {"degrees": 60.0}}, ONE, "tanh"), ["unreachable-target"]),
        (values({"rotated": {"unit": "sin_cos"}}, {"linear": {"out_features": 2}}, "tanh"), []),
        (values({"rotated": {"unit": "sin_cos"}}, {"linear": {"out_features": 2}}, "sigmoid"), ["unreachable-target"]),
        (values({"rotated": {}}, ONE, loss={"huber": {"delta": 0.1}}), []),
    ],
)
def test_limits_of_the_output_are_compared_with_the_targets(
    changes: dict[str, Any], found: list[str], pipeline: Callable[..., Path]
) -> None:
    assert doubts(pipeline(**changes)) == found


def test_the_means_of_a_wrapped_network_have_its_limits(pipeline: Callable[..., Path]) -> None:
    changes = values({"rotated": {"unit": "degrees"}}, {"linear": {"out_features": 2}}, "tanh", loss="gaussian_nll")
    path = pipeline(**{**changes, "model": {"gaussian": {"network": changes["model"]}}})
    (problem,) = registry_core.load(path).warnings
    assert problem.code == "unreachable-target"
    assert problem.keys == ("model", "gaussian", "network", "sequential", "layers", 4)


def test_one_class_cannot_be_told_from_others(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "images" / "cat").mkdir(parents=True)
    for place in range(2):
        PIL.Image.new("L", (8, 8), place).save(tmp_path / "images" / "cat" / f"{place}.png")
    train = {"dataset": {"image_folder": {"root": str(tmp_path / "images"), "mode": "L"}}, "transforms": ["to_tensor"]}
    path = pipeline(data__train=train, data__val=None, metrics=[], model={"mlp": {"size": 8, "num_classes": 1}})
    with pytest.raises(PipelineError, match="with one class, the loss is always 0") as refused:
        registry_core.load(path)
    (problem,) = refused.value.problems
    assert (problem.code, problem.keys) == ("class-count", ("model", "mlp", "num_classes"))


@pytest.mark.parametrize(("least", "longest", "classes", "length"), [(1, 4, 3, 40), (2, 3, 2, 1000), (4, 4, 10, 5)])
def test_likely_repetitions_are_those_of_all_sequences(least: int, longest: int, classes: int, length: int) -> None:
    """Against the enumeration of all sequences of labels, which are equally likely."""
    digits = registry_core.registries.datasets["lines"].model_validate(
        {"dataset": registry_core.registries.datasets["digits"](), "least": least, "longest": longest}
    )
    beyond: dict[int, float] = {}
    for steps in range(longest, 2 * longest):
        shares = []
        for count in range(least, longest + 1):
            found = [
                count + sum(a == b for a, b in itertools.pairwise(labels)) > steps
                for labels in itertools.product(range(classes), repeat=count)
            ]
            shares.append(sum(found) / len(found))
        beyond[steps] = length * sum(shares) / len(shares)
    expected = min(steps for steps, samples in beyond.items() if samples < 0.5)
    assert digits._likely_steps(length, classes) == expected  # type: ignore[attr-defined]  # of this data set alone
