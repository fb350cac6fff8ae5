"""Batch transforms: the formulas of torchvision under the same numbers, distributions, places, and training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Ended
from programs import on_batch
from registry_builtin.objects.beta import beta
from registry_builtin.transforms.mixing import CutMix, MixUp
from registry_builtin.transforms.targets import OneHot
from scipy import stats
from torchvision.transforms import v2

import registry_core
from registry_core.assembly.data.executor import Placement
from registry_core.assembly.data.section import build_loader
from registry_core.components import CheckFailed, Draws, Image
from registry_core.planning.make import make_plan

KEY = 99


@pytest.mark.parametrize("alpha", [0.02, 0.2, 1.0, 3.5])
def test_numbers_are_of_the_beta_distribution(alpha: float) -> None:
    found = np.array([beta(alpha, Draws(KEY, 0, index)) for index in range(3000)])
    assert ((found >= 0) & (found <= 1)).all()
    small = found[found < 0.5]  # those near 1 are rounded to it where alpha is small
    assert stats.binomtest(len(small), len(found)).pvalue > 1e-4
    assert stats.kstest(small, lambda x: 2 * stats.beta(alpha, alpha).cdf(x)).pvalue > 1e-4


def batch(rows: int = 6) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    return {
        "input": torch.rand(rows, 3, 9, 12, generator=generator),
        "target": torch.randint(5, (rows,), generator=generator),
        "name": list(range(rows)),
    }


@pytest.mark.covers("transform/mixup", reference="torchvision.transforms.v2.MixUp")
@pytest.mark.parametrize("vectors", [False, True])
def test_mixup_mixes_as_torchvision(vectors: bool) -> None:
    given = batch()
    if vectors:
        given["target"] = torch.nn.functional.one_hot(given["target"], 5).float()
    for index in range(5):
        kept = beta(0.4, Draws(KEY, 3, index))
        reference = v2.MixUp(alpha=0.4, num_classes=5)
        reference.make_params = lambda _, kept=kept: {"lam": kept}
        images, targets = reference(given["input"], given["target"])
        made = MixUp(alpha=0.4, num_classes=5).build()(given, Draws(KEY, 3, index))
        assert torch.equal(made["input"], images)
        assert torch.equal(made["target"], targets)
        assert made["target"].dtype == torch.float32
        assert made["name"] == given["name"]


@pytest.mark.covers("transform/cutmix", reference="torchvision.transforms.v2.CutMix")
def test_cutmix_cuts_as_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    given = batch()
    areas = set()
    for index in range(8):
        draws = Draws(KEY, 3, index)
        kept, places = beta(1.0, draws), [draws.integer(12), draws.integer(9)]
        reference = v2.CutMix(num_classes=5)
        monkeypatch.setattr(reference, "_dist", type("Fixed", (), {"sample": lambda _, shape, kept=kept: kept})())
        monkeypatch.setattr(torch, "randint", lambda *_, left=places, **__: torch.tensor([left.pop(0)]))
        images, targets = reference(given["input"], given["target"])
        monkeypatch.undo()
        made = CutMix(num_classes=5).build()(given, Draws(KEY, 3, index))
        assert torch.equal(made["input"], images)
        assert torch.equal(made["target"], targets)
        areas.add((made["input"] != given["input"])[0, 0].sum().item())
    assert len(areas) > 4


def test_each_batch_of_each_epoch_has_draws_of_its_own() -> None:
    transforms = (MixUp(num_classes=5),)
    made = [on_batch(transforms, batch(), epoch, number)["target"] for epoch in range(3) for number in range(3)]
    assert len({tuple(each.flatten().tolist()) for each in made}) == 9
    assert torch.equal(on_batch(transforms, batch(), 1, 2)["target"], made[5])


def test_the_number_of_classes() -> None:
    assert MixUp().for_classes(7).num_classes == 7
    assert OneHot(num_classes=7).for_classes(None).num_classes == 7
    for transform in (MixUp(), OneHot()):
        with pytest.raises(CheckFailed, match="cannot infer the number of classes"):
            transform.for_classes(None)
    with pytest.raises(CheckFailed, match="expects 3 classes, but the model or the data have 7") as raised:
        CutMix(num_classes=3).for_classes(7)
    assert raised.value.at == ("num_classes",)
    with pytest.raises(CheckFailed, match="expects float tensors"):
        MixUp().infer_image(Image("uint8", 1, 8, 8))


PIPELINE = """\
version: 1
data:
  train:
    dataset: {digits: {split: val}}
    transforms: [{random_crop: {size: 8, padding: 1}}, to_tensor]
    batch_transforms:
      - {random_choice: {transforms: [{mixup: {alpha: 0.2}}, {cutmix: {num_classes: 10}}], p: [1, 2]}}
  val: {dataset: {digits: {split: val}}, transforms: [to_tensor]}
  batch_size: 60
model: {mlp: {size: 8, num_classes: 10}}
loss: {cross_entropy: {label_smoothing: 0.1}}
optim: {optimizer: {adam: {lr: 0.01}}}
train: {epochs: 3, device: cpu}
metrics: [accuracy]
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("transforms: [{ran", "transforms: [mixup, {ran", "5:18: data.train.transforms[0]: ?'mixup' works on whole"),
        ("to_tensor]\n    b", "mixup]\n    b", "Move it to data.train.batch_transforms."),
        ("{mixup: {alpha: 0.2}}", "random_horizontal_flip", "contains both sample transforms and batch transforms"),
        ("{mixup: {alpha: 0.2}}", "{mixup: {alpha: 0}}", "0 must be greater than 0"),
        (
            "{num_classes: 10}}], p",
            "{num_classes: 9}}], p",
            "cutmix expects 9 classes, but the model or the data have 10",
        ),
        ("{random_crop: {size: 8, padding: 1}}", "{five_crop: {size: 8}}", "would mix images of the same sample"),
        ("to_tensor]\n    b", "to_tensor, one_hot]\n    b", ""),
        (
            "to_tensor]\n    b",
            "to_tensor, one_hot, signs]\n    b",
            "mixup expects classes as targets, but receives signs",
        ),
        ("loss: {cross_entropy: {label_smoothing: 0.1}}", "loss: nll", "but data.train provides distributions"),
    ],
)
def test_places_and_targets_are_checked(
    command: Callable[..., Ended], pipeline: Callable[..., Path], old: str, new: str, words: str
) -> None:
    assert old in PIPELINE
    ended = command("validate", pipeline(PIPELINE.replace(old, new, 1)))
    assert ended.code == (2 if words else 0), ended.err
    assert all(part in ended.err for part in words.split("?"))


def test_training_with_mixed_batches(
    command: Callable[..., Ended], pipeline: Callable[..., Path], tmp_path: Path
) -> None:
    path = pipeline(PIPELINE)
    whole = registry_core.train(registry_core.load(path), tmp_path / "whole")
    assert whole.metrics["val/accuracy"] > 0.5
    registry_core.train(registry_core.load(path, ["train.max_steps=8", "data.workers=1"]), tmp_path / "parted")
    parted = registry_core.resume(tmp_path / "parted", registry_core.load(path))
    for one, other in zip(
        parted.pipeline.model.state_dict().values(), whole.pipeline.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)
    steps = json.loads(command("plan", path, "--json").out)["sections"]["train"]["stages"]
    assert (steps[1]["unit"], steps[1]["operations"][-1]["name"]) == ("batch", "random_choice")
    assert "batch by batch" in command("plan", path).out


def test_batches_are_mixed_by_their_number_in_the_epoch(pipeline: Callable[..., Path]) -> None:
    spec = registry_core.load(pipeline(PIPELINE)).spec
    plan = make_plan(spec)
    placed = Placement(torch.device("cpu"), channels_last=False)
    loader = build_loader(plan.sections["train"], plan.loading, placed)
    declared = tuple(transform.for_classes(10) for transform in spec.data.train.batch_transforms)
    names = {transform.name for transform in declared}
    unmixed = plan.sections["train"].with_operations(lambda operation: operation.name not in names)
    plain = build_loader(unmixed, plan.loading, placed).batches(1)
    purpose = "data.train.batch_transforms"
    expected = [on_batch(declared, one.entries, 1, one.request.batch, purpose=purpose) for one in plain]
    for start in (0, 3):
        for number, found in enumerate(loader.batches(1, start), start):
            assert torch.equal(found.entries["input"], expected[number]["input"])
            assert torch.equal(found.entries["target"], expected[number]["target"])
