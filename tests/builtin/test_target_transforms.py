"""Transforms of targets, and named functions in a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended
from registry_builtin.functions.images import Gamma, Invert
from registry_builtin.transforms.named_function import Lambda
from registry_builtin.transforms.targets import OneHot, Signs
from test_transforms import FORMS, picture, values
from torchvision.transforms import v2

import registry_core
from registry_core.components import CheckFailed, Image
from registry_core.diagnostics import DataError


@pytest.mark.covers(
    "transform/one_hot", reference="torch.nn.functional.one_hot, and cross entropy with label smoothing"
)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_one_hot(smoothing: float) -> None:
    built = OneHot(num_classes=4, smoothing=smoothing).build()
    labels = torch.tensor([2, 0, 3])
    made = torch.stack([built({"target": int(label), "input": 1})["target"] for label in labels])
    plain = torch.nn.functional.one_hot(labels, 4).float()
    assert torch.equal(made, plain * (1 - smoothing) + smoothing / 4)
    logits = torch.randn(3, 4)
    expected = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    torch.testing.assert_close(torch.nn.functional.cross_entropy(logits, made), expected)
    assert built({"input": 1}) == {"input": 1}
    with pytest.raises(DataError, match="label 4 is outside the classes 0 to 3"):
        built({"target": 4})


@pytest.mark.covers("transform/signs", reference="2 t - 1")
def test_signs() -> None:
    built = Signs().build()
    assert built({"target": 1})["target"].item() == 1.0
    target = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    made = built({"target": target})["target"]
    assert torch.equal(made, torch.where(target == 1, 1.0, -1.0))
    assert made.dtype == torch.float32
    with pytest.raises(DataError, match="values other than 0 and 1"):
        built({"target": 2})


def test_forms_of_targets() -> None:
    assert OneHot().infer_target("class_indices") == "one_hot"
    assert OneHot(smoothing=0.1).infer_target("class_indices") == "distributions"
    assert Signs().infer_target("multi_hot") == "signs"
    with pytest.raises(CheckFailed, match="expects class indices"):
        OneHot().infer_target("multi_hot")
    with pytest.raises(CheckFailed, match="targets of 0 and 1"):
        Signs().infer_target("distributions")


FUNCTIONS = [
    pytest.param(
        Invert(),
        v2.functional.invert,
        marks=pytest.mark.covers(
            "transform/lambda", "function/invert", reference="torchvision.transforms.v2.functional"
        ),
    ),
    pytest.param(
        Gamma(gamma=0.5, gain=0.9),
        lambda image: v2.functional.adjust_gamma(image, 0.5, 0.9),
        marks=pytest.mark.covers(
            "transform/lambda", "function/gamma", reference="torchvision.transforms.v2.functional"
        ),
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("function", "reference"), FUNCTIONS)
def test_named_functions(form: Any, function: Any, reference: Any) -> None:
    """Reference: torchvision.transforms.v2.Lambda around the function of torchvision."""
    image = picture(form, 3, 5, 7)
    made = Lambda(function=function).build()({"input": image, "other": image, "target": 3})
    np.testing.assert_array_equal(values(made["input"]), values(v2.Lambda(reference)(image)))
    np.testing.assert_array_equal(values(made["other"]), values(image))
    other = Lambda(function=function, entry="other").build()({"input": image, "other": image})
    np.testing.assert_array_equal(values(other["other"]), values(made["input"]))
    facts = Image(form, 3, 5, 7, 0.0, 1.0 if form == "float" else 255.0)
    assert Lambda(function=function).infer_image(facts) == facts
    with pytest.raises(DataError, match=r"no entry 'mask', only 'input'"):
        Lambda(function=function, entry="mask").build()({"input": image})


def test_what_is_known_after_a_function() -> None:
    normal = Image("float", 3, 5, 7, -1.0, 3.0)
    assert Lambda(function=Invert()).infer_image(normal) == normal.changed(low=-2.0, high=2.0)
    with pytest.raises(CheckFailed, match="from 0 to 1"):
        Lambda(function=Gamma(gamma=2.0)).infer_image(normal)


def test_functions_of_other_distributions(
    command: Callable[..., Ended], distribution: Callable[..., Path], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    code = "import torch\n\ndef noise(image, scale: float = 0.1):\n    return image + scale * torch.rand(image.shape)\n"
    distribution("acme", "[registry_core.v1.functions]\nnoise = acme_noise:noise\n", modules={"acme_noise": code})
    noise = {"lambda": {"function": {"noise": {"scale": 0.2}}}}
    train = {"dataset": {"digits": {"split": "val"}}, "transforms": ["to_tensor", noise]}
    path = pipeline(data={"train": train, "batch_size": 64}, metrics=[])
    weights = [
        registry_core.train(registry_core.load(path, [f"data.workers={workers}"]), tmp_path / str(workers))
        .pipeline.model.state_dict()
        .values()
        for workers in (0, 1)
    ]
    assert all(torch.equal(one, other) for one, other in zip(*weights, strict=True))
    wrong = pipeline(name="wrong", data={"train": {**train, "transforms": [{"lambda": {"function": "lambda x: x"}}]}})
    assert "The function 'lambda x: x' is unknown" in command("validate", wrong).err
