"""The command ``sample``: the way from the disk to the model is that of plain torchvision."""

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
from sklearn.datasets import load_digits
from torchvision.transforms import v2

TEXT = """\
version: 1
seed: 3
data:
  train:
    dataset: {image_folder: {root: FOLDER, mode: L}}
    transforms:
      - {five_crop: {size: 6}}
      - {random_order: {transforms: [{pad: {padding: 1}}, {random_choice: {transforms: [{pad: {padding: 2}}]}}]}}
      - to_tensor
      - {normalize: {mean: [0.3], std: [0.4]}}
  val:
    dataset: {digits: {split: val}}
    transforms: [{resize: {size: 12}}, to_tensor]
    batch_transforms: [{mixup: {alpha: 0.2}}]
  batch_size: 4
model: {mlp: {size: 12, num_classes: 10}}
loss: cross_entropy
optim: {optimizer: {sgd: {lr: 0.1}}}
train: {device: cpu}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten images of each digit in a folder of its own, named so that the order is known."""
    images, labels = load_digits().images, load_digits().target
    for label in range(10):
        (tmp_path / "photos" / str(label)).mkdir(parents=True)
        image = images[np.flatnonzero(labels == label)[0]].astype(np.int64) * 255 // 16
        Pillow.fromarray(image.astype(np.uint8)).save(tmp_path / "photos" / str(label) / "a.png")
    return tmp_path / "photos"


@pytest.mark.covers("command/sample", reference="torchvision.transforms.v2, step by step")
def test_every_step_is_that_of_torchvision(
    command: Callable[..., Ended], pipeline: Callable[..., Path], folder: Path
) -> None:
    path = pipeline(TEXT.replace("FOLDER", str(folder)))
    steps = json.loads(command("sample", path, "--index", 7, "--epoch", 2, "--json").out)
    names = ["shuffled", "image_folder", "five_crop", "random_order", "batch", "to_tensor", "normalize", "mlp"]
    assert [step["name"] for step in steps] == names
    position = order(3, 2, 10).tolist().index(7)
    assert steps[0]["note"] == f"number {position % 4} of batch {position // 4} of epoch 2"

    image = Pillow.open(folder / "7" / "a.png")
    crop = v2.FiveCrop(6)(image)[0]
    padded = v2.Pad(3)(crop)
    tensor = v2.functional.to_dtype(v2.functional.to_image(padded), torch.float32, scale=True)
    expected: list[Any] = [image, crop, padded, tensor, v2.Normalize([0.3], [0.4])(tensor)]
    for step, value in zip((*steps[1:4], *steps[5:7]), expected, strict=True):
        found = {entry["name"]: entry for entry in step["entries"]}
        array = np.asarray(value)[None] if isinstance(value, Pillow.Image) else value.numpy()
        assert tuple(found["input"]["shape"]) == array.shape
        assert found["input"]["dtype"] == str(array.dtype)
        assert found["input"]["low"] == pytest.approx(array.min(), abs=1e-6)
        assert found["input"]["high"] == pytest.approx(array.max(), abs=1e-6)
        target = found["target"]
        assert target["value"] == "7" or target["low"] == target["high"] == 7
    assert [step["views"] for step in steps] == [1, 1, 5, 5, 1, 5, 5, 1]
    assert steps[3]["note"].count("pad") == 10
    assert "random_choice (pad)" in steps[3]["note"]
    rows = 5 * min(4, 10 - position // 4 * 4)
    (images, *_) = steps[7]["entries"]
    assert images["shape"] == [rows, 1, 12, 12]
    assert [entry["name"] for entry in steps[7]["entries"]] == ["input"]
    assert all(step["seconds"] >= 0 for step in steps)


def test_batch_transforms_are_shown(command: Callable[..., Ended], pipeline: Callable[..., Path], folder: Path) -> None:
    path = pipeline(TEXT.replace("FOLDER", str(folder)))
    steps = json.loads(command("sample", path, "--section", "val", "--index", 9, "--json").out)
    assert [step["step"] for step in steps[-4:]] == ["collate", "transform", "batch transform", "model"]
    before, after = ({entry["name"]: entry for entry in steps[place]["entries"]} for place in (-4, -2))
    assert (before["target"]["dtype"], before["target"]["shape"]) == ("int64", [4])
    assert (after["target"]["dtype"], after["target"]["shape"]) == ("float32", [4, 10])
    assert steps[0]["note"] == "number 1 of batch 2 of epoch 0"
    out = command("sample", path, "--section", "val", "--index", 9).out
    assert "4 x 1 x 12 x 12" in out
    assert "mixup" in out


def test_mistakes(command: Callable[..., Ended], pipeline: Callable[..., Path], folder: Path) -> None:
    path = pipeline(TEXT.replace("FOLDER", str(folder)))
    assert "has the samples 0 to 9, but not 10" in command("sample", path, "--index", 10).err
    assert "no data section 'test'" in command("sample", path, "--section", "test").err
    dropped = command("sample", path, "--set", "data.drop_last=true", "--index", int(order(3, 0, 10)[-1]))
    assert "does not contain sample" in dropped.out
