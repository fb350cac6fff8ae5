"""Five and ten crops: cut as torchvision cuts them, trained as a larger batch, averaged where a model is measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended
from PIL import Image as Pillow
from randomness_references import order
from registry_builtin.transforms.several_crops import FiveCrop, TenCrop
from sklearn.datasets import load_digits
from test_transforms import FORMS, picture, values
from torch import nn
from torchvision import tv_tensors
from torchvision.transforms import functional as v1
from torchvision.transforms import v2

import registry_core
from registry_core.components import CheckFailed, Image, Transform
from registry_core.diagnostics import DataError, RunError

CROPS = [
    pytest.param(
        FiveCrop(size=[5, 7]),
        v2.FiveCrop((5, 7)),
        marks=pytest.mark.covers("transform/five_crop", reference="torchvision.transforms.v2.FiveCrop"),
    ),
    pytest.param(
        TenCrop(size=6),
        v2.TenCrop(6),
        marks=pytest.mark.covers("transform/ten_crop", reference="torchvision.transforms.v2.TenCrop"),
    ),
    pytest.param(TenCrop(size=6, vertical_flip=True), v2.TenCrop(6, vertical_flip=True)),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("transform", "reference"), CROPS)
def test_crops_are_those_of_torchvision(form: str, transform: Transform, reference: Any) -> None:
    """Reference: torchvision.transforms.v2.FiveCrop and TenCrop, called directly."""
    image = picture(form, 3, 13, 16)
    made = transform.build()({"input": image, "target": 3, "mask": tv_tensors.Mask(torch.ones(13, 16))})
    expected = reference(image)
    assert len(made) == len(expected) == transform.num_views
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_array_equal(values(one["input"]), values(other))
        assert one["target"] == 3
        assert tuple(one["mask"].shape) == values(other).shape[-2:]
    height, width = values(expected[0]).shape[-2:]
    facts = Image(form, 3, 13, 16)  # type: ignore[arg-type]  # the forms are texts here
    assert transform.infer_image(facts) == facts.changed(height=height, width=width)


def test_windows_that_do_not_fit() -> None:
    with pytest.raises(CheckFailed, match="14 x 14 window does not fit into the image of 13 x \\?"):
        FiveCrop(size=14).infer_image(Image("pil", 3, 13))
    with pytest.raises(DataError, match="14 x 14 window does not fit into the image of 13 x 16"):
        TenCrop(size=14).build()({"input": picture("pil", 3, 13, 16)})


def digits(split: str) -> tuple[list[Any], torch.Tensor]:
    images, labels = load_digits(return_X_y=True)
    chosen = (np.arange(len(labels)) % 5 == 4) == (split == "val")
    pixels = (images[chosen].astype(np.int64) * 255 // 16).astype(np.uint8).reshape(-1, 8, 8)
    return [Pillow.fromarray(each) for each in pixels], torch.from_numpy(labels[chosen]).to(torch.int64)


def network(sides: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(sides * sides, 16), nn.ReLU(), nn.Linear(16, 10))


def crops(images: list[Any], crop: Any) -> torch.Tensor:
    """[samples, crops, 1, height, width], as torchvision's documentation makes them."""
    return torch.stack([torch.stack([v1.to_tensor(each) for each in crop(image)]) for image in images])


def settings(crop: Any, **changes: Any) -> dict[str, Any]:
    return {
        "seed": 5,
        "data": {
            "train": {"dataset": {"digits": {"split": "val"}}, "transforms": [crop, "to_tensor"]},
            "val": {"dataset": {"digits": {"split": "val"}}, "transforms": [crop, "to_tensor"]},
            "batch_size": 50,
        },
        "model": {"mlp": {"size": 6, "hidden": [16], "num_classes": 10}},
        "loss": "cross_entropy",
        "optim": {"optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9}}},
        "train": {"epochs": 3, "device": "cpu"},
        **changes,
    }


@pytest.mark.covers("transform/five_crop", "transform/ten_crop", reference="a loop in plain torch over v2.FiveCrop")
@pytest.mark.parametrize(
    ("crop", "reference"), [({"five_crop": {"size": 6}}, v2.FiveCrop(6)), ({"ten_crop": {"size": 6}}, v2.TenCrop(6))]
)
def test_training_and_measuring_as_by_hand(
    pipeline: Callable[..., Path], command: Callable[..., Ended], tmp_path: Path, crop: Any, reference: Any
) -> None:
    result = registry_core.train(registry_core.load(pipeline(**settings(crop))), tmp_path / "run")

    images, labels = digits("val")
    inputs = crops(images, reference)
    torch.manual_seed(5)
    model = network(6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(3):
        for chosen in torch.from_numpy(order(5, epoch, len(labels))).split(50):
            batch, count, *sides = inputs[chosen].shape
            optimizer.zero_grad()
            output = model(inputs[chosen].view(batch * count, *sides))
            nn.functional.cross_entropy(output, labels[chosen].repeat_interleave(count)).backward()
            optimizer.step()
    found = list(result.pipeline.model.state_dict().values())
    for one, other in zip(found, model.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert result.summary["steps"] == 24
    assert result.pipeline.loaders["train"].samples == 359

    model.eval()
    with torch.no_grad():
        averaged = torch.cat([
            model(inputs[chosen].flatten(0, 1)).view(len(chosen), inputs.shape[1], -1).mean(1)
            for chosen in torch.arange(len(labels)).split(50)
        ])  # fmt: skip
    accuracy = (averaged.argmax(1) == labels).sum().item() / len(labels)
    loss = nn.functional.cross_entropy(averaged.double(), labels).item()
    assert result.metrics["val/accuracy"] == pytest.approx(accuracy, abs=1e-7)
    assert result.metrics["val/loss"] == pytest.approx(loss, rel=1e-6)
    measured = json.loads(command("eval", tmp_path / "run", "--json").out)
    assert measured["val/accuracy"] == result.metrics["val/accuracy"]
    assert measured["samples"] == 359

    images[7].save(tmp_path / "seven.png")
    (predicted,) = json.loads(command("predict", tmp_path / "run", tmp_path / "seven.png", "--top", 10, "--json").out)
    expected = averaged[7].softmax(0)
    for one in predicted["classes"]:
        assert one["probability"] == pytest.approx(expected[one["class"]].item(), rel=1e-5)


def test_every_view_has_draws_of_its_own(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    from registry_core.assembly.data.executor import Placement
    from registry_core.assembly.data.section import build_loader
    from registry_core.components import Draws, stream_key
    from registry_core.planning.make import make_plan

    changed = settings({"five_crop": {"size": 6}})
    changed["data"]["train"]["transforms"] = [{"five_crop": {"size": 7}}, {"random_crop": {"size": 6}}, "to_tensor"]
    spec = registry_core.load(pipeline(**changed)).spec
    plan = make_plan(spec)
    loader = build_loader(plan.sections["train"], plan.loading, Placement(torch.device("cpu"), channels_last=False))
    batch = next(loader.batches(2)).entries
    images, _ = digits("val")
    key = stream_key(5, "data.train.transforms[1]")
    number = 0
    for index in order(5, 2, 359)[:50]:
        for view, crop in enumerate(v2.FiveCrop(7)(images[index])):
            draws = Draws(key, 2, int(index), view)
            top, left = draws.integer(2), draws.integer(2)
            expected = values(crop)[:, top : top + 6, left : left + 6].astype(np.float32) / np.float32(255)
            np.testing.assert_array_equal(batch["input"][number].numpy(), expected)
            number += 1
    assert number == len(batch["target"]) == 250


def test_workers_and_interruptions_change_nothing(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    changed = settings({"five_crop": {"size": 6}})
    changed["data"]["train"]["transforms"] = [{"five_crop": {"size": 7}}, {"random_crop": {"size": 6}}, "to_tensor"]
    path = pipeline(**changed)
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    parted = registry_core.train(
        registry_core.load(path, ["data.workers=2", "train.max_steps=11"]), tmp_path / "parted"
    )
    assert parted.position.step == 11
    again = registry_core.resume(tmp_path / "parted", registry_core.load(path))
    for one, other in zip(
        again.pipeline.model.state_dict().values(), whole.pipeline.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_the_plan_shows_the_views(command: Callable[..., Ended], pipeline: Callable[..., Path]) -> None:
    path = pipeline(**settings({"five_crop": {"size": 6}}))
    assert "five_crop  5 x Pillow image 1 x 6 x 6" in command("plan", path).out
    stages = json.loads(command("plan", path, "--json").out)["sections"]["train"]["stages"]
    views = {step["name"]: step.get("views", 1) for stage in stages for step in stage["operations"]}
    assert views == {"digits": 1, "five_crop": 5, "collate": 5, "to_tensor": 5, "move": 5}


def test_outputs_that_cannot_be_averaged() -> None:
    from registry_core.engine.evaluate import averaged

    values = {"input": torch.zeros(10, 1), "target": torch.arange(10), "output": torch.zeros(4, 10, 2)}
    with pytest.raises(RunError, match="4 rows for 10 images"):
        averaged(values, ("output",), 5)


@pytest.mark.parametrize("section", ["train", "val"])
def test_targets_that_cannot_be_averaged(
    command: Callable[..., Ended], pipeline: Callable[..., Path], section: str
) -> None:
    """Maps of classes can be trained with crops, but outputs of different places have no mean."""
    dataset = {"segmented": {"dataset": {"digits": {"split": "val"}}, "cells": [1, 2], "shift": 0}}
    plain = {"dataset": dataset, "transforms": ["to_tensor"]}
    data = {
        "train": plain,
        "val": plain,
        section: {**plain, "transforms": [{"five_crop": {"size": [8, 8]}}, "to_tensor"]},
    }
    path = pipeline(data=data, model={"unet": {"width": 8, "depth": 2}}, loss="nll_2d", metrics=[])
    ended = command("validate", path)
    refused = "five_crop makes 5 images of one, whose outputs cannot be averaged for targets that are class maps"
    assert (refused in ended.err) == (section == "val"), ended.err
    assert ended.code == (2 if section == "val" else 0), ended.err
