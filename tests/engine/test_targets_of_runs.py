"""Targets as data sets have them: class indices of any type are checked, values are no classes, void is no class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import registry_core
from registry_core.assembly.data.executor import LoadedBatch, Request
from registry_core.assembly.pipeline import assemble
from registry_core.config import Section
from registry_core.diagnostics import DataError
from registry_core.engine.failures import class_out_of_range
from registry_core.inspection.data_check import read_all_data
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.loaded import load
from registry_core.planning.make import make_plan

POINTS = """\
[registry_core.v1.datasets]
labels = acme_targets:Labels
ages = acme_targets:Ages
void = acme_targets:Void
"""
MODULE = """\
from typing import ClassVar
import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset
from torchvision.tv_tensors import Mask
from registry_core.components import DataFacts, Dataset, Image
IMAGE = Image("float", 1, 8, 8, 0.0, 1.0)
TYPES = {"int": int, "numpy": np.int64, "uint8": np.uint8, "array": np.asarray, "tensor": torch.tensor}
class Labels(TorchDataset):
    def __init__(self, how: str = "int", wrong: int = 12):
        self.how, self.wrong = how, wrong
    def __len__(self):
        return 8
    def __getitem__(self, number):
        return torch.rand(1, 8, 8), TYPES[self.how](self.wrong if number == 3 else number % 10)
class Years(TorchDataset):
    def __len__(self):
        return 8
    def __getitem__(self, number):
        return {"input": torch.rand(1, 8, 8), "target": [3, 40, 25, 79][number % 4]}
class Ages(Dataset):
    "Ages."
    target: ClassVar = "acme_targets:Years"
    def facts(self):
        return DataFacts(8, IMAGE, target_form="values", num_values=1, entries=("input", "target"))
class Scenes(TorchDataset):
    def __init__(self, only=None):
        self.only = only
    def __len__(self):
        return 8
    def __getitem__(self, number):
        mask = torch.randint(0, 3, (8, 8), generator=torch.Generator().manual_seed(number))
        if self.only in (None, number):
            mask[:4] = 255
        image = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(number))
        return {"input": image, "target": Mask(mask)}
class Void(Dataset):
    "Class maps with void pixels."
    target: ClassVar = "acme_targets:Scenes"
    only: int | None = None
    def facts(self):
        names = ("a", "b", "c")
        return DataFacts(8, IMAGE, 3, names, "class_maps", ("input", "target"), masks=("target",))
"""

CPU = {"epochs": 1, "device": "cpu"}


@pytest.fixture
def acme(distribution: Callable[..., Path]) -> None:
    distribution("acme", POINTS, modules={"acme_targets": MODULE})


def data(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {"train": {"dataset": {name: parameters}}, "val": {"dataset": {name: parameters}}, "batch_size": 4}


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("how", ["int", "numpy", "uint8", "array", "tensor"])
def test_a_label_out_of_range_is_named(pipeline: Callable[..., Path], tmp_path: Path, how: str) -> None:
    loaded = load(pipeline(data=data("labels", {"how": how}), train=CPU))
    message = "Sample 3 of data.train has the label 12, outside the classes 0 to 9."
    with pytest.raises(DataError, match=message) as ended:
        registry_core.train(loaded, tmp_path / "run")
    problem = ended.value.problem()
    assert problem.path == "data.train.dataset"
    assert problem.place is not None
    faults = read_all_data(loaded.spec).faults
    assert [fault.index for fault in faults.kept["target"]] == [3, 3]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("how", ["int", "tensor"])
def test_a_label_that_the_loss_ignores(pipeline: Callable[..., Path], tmp_path: Path, how: str) -> None:
    """torch leaves the sample out of the mean; so do the check of labels and that of the data."""
    changes = {"loss": {"cross_entropy": {"ignore_index": 12}}, "metrics": [], "train": CPU}
    loaded = load(pipeline(data=data("labels", {"how": how}), **changes))
    registry_core.train(loaded, tmp_path / "run")
    assert "target" not in read_all_data(loaded.spec).faults.counts


@pytest.mark.usefixtures("acme")
def test_whole_numbers_of_values_are_no_classes(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    layers = ["flatten", {"linear": {"out_features": 1}}]
    model = {"sequential": {"input": [1, 8, 8], "layers": layers, "output": "values"}}
    loaded = load(pipeline(data=data("ages", {}), model=model, loss="mse", metrics=["mean_absolute_error"], train=CPU))
    assert dry_run(make_plan(loaded)).problems == []
    assert read_all_data(loaded.spec).faults.exit_code == 0
    assert registry_core.train(loaded, tmp_path / "run").metrics["val/mean_absolute_error"] > 0


@pytest.mark.usefixtures("acme")
def test_metrics_ignore_what_the_loss_ignores_as_no_class(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    model = {"unet": {"num_classes": 3, "width": 4, "depth": 2}}
    loss = {"cross_entropy": {"ignore_index": 255}}
    loaded = load(pipeline(data=data("void", {}), model=model, loss=loss, metrics=["pixel_accuracy"], train=CPU))
    result = registry_core.train(loaded, tmp_path / "run")
    right = counted = 0
    for batch in result.pipeline.loaders["val"].batches(epoch=0):
        with torch.no_grad():
            found = result.pipeline.model.eval()(batch.entries["input"]).argmax(1)
        kept = batch.entries["target"] != 255
        right += int((found == batch.entries["target"])[kept].sum())
        counted += int(kept.sum())
    assert counted == 8 * 32
    assert result.metrics["val/pixel_accuracy"] == pytest.approx(right / counted)


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("section", ["train", "val"])
def test_a_pixel_that_is_no_class_is_named(pipeline: Callable[..., Path], tmp_path: Path, section: Section) -> None:
    """torch says neither the sample nor, on CUDA, the value; the dry run says the same."""
    read = data("void", {"only": 8})
    read[section] = {"dataset": {"void": {"only": 2}}}
    read["train"]["sampler"] = "sequential"
    model = {"unet": {"num_classes": 3, "width": 4, "depth": 2}}
    loaded = load(pipeline(data=read, model=model, loss="cross_entropy", metrics=["pixel_accuracy"], train=CPU))
    message = f"Sample 2 of data.{section} has a wrong target. The class index 255 is outside the classes 0 to 2. "
    message += "32 of 64 values are."
    with pytest.raises(DataError) as ended:
        registry_core.train(loaded, tmp_path / "run")
    problem = ended.value.problem()
    assert (problem.message, problem.path) == (message, f"data.{section}.dataset")
    assert "ignore_index" in problem.remedy
    (found,) = dry_run(make_plan(loaded)).problems
    assert (found.message, found.path, found.remedy) == (message, problem.path, problem.remedy)


@pytest.mark.usefixtures("acme")
def test_whole_numbers_that_are_values_are_not_taken_for_classes(pipeline: Callable[..., Path]) -> None:
    layers = ["flatten", {"linear": {"out_features": 1}}]
    model = {"sequential": {"input": [1, 8, 8], "layers": layers, "output": "values"}}
    plan = make_plan(load(pipeline(data=data("ages", {}), model=model, loss="mse", metrics=[], train=CPU)))
    executor = assemble(plan).loaders["train"].executor
    depths = LoadedBatch(Request(0, 0, (0, 1)), {"target": torch.full((2, 8, 8), -3)})
    assert class_out_of_range(plan, executor, depths) is None
    changes = {"model": {"unet": {"num_classes": 3, "width": 4, "depth": 2}}, "metrics": [], "train": CPU}
    classes = make_plan(load(pipeline(data=data("void", {}), **changes)))
    undeclared = make_plan(load(pipeline(data=data("labels", {}), metrics=[], train=CPU)))
    assert [class_out_of_range(each, executor, depths) is not None for each in (classes, undeclared)] == [True, True]
