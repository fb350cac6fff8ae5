"""What ends a run: the same problem as ``validate --deep`` reports, with its keys and its place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from failing_components import POINTS

import registry_core
from registry_core.diagnostics import PipelineError, Problem, RegistryError
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.planning.make import make_plan

AT_WORK: list[dict[str, Any]] = [
    {"model": "mismatch"},
    {"model": "attribute"},
    {"model": "leaves"},
    {"model": "inplace"},
    {"loss": "product"},
    {"loss": {"weighted_sum": {"losses": [{"loss": "cross_entropy"}, {"loss": "product"}]}}},
    {"loss": "counted"},
    {"loss": "one_way"},
    {"metrics": ["accuracy", "full"]},
    {"optim": {"optimizer": "stuck"}},
    {"data__train": {"dataset": "gone"}},
    {"data__val": {"dataset": "gone"}},
    {"data__val__transforms": ["to_tensor", "spoil"]},
]
"""Mistakes that show only when a batch passes; tests/inspection/test_deep_mistakes.py has the words of each."""

ENTRIES = """\
from typing import ClassVar
import torch
from torch.utils.data import Dataset as TorchDataset
from torchmetrics import Metric as TorchMetric
from registry_core.components import Loss, Metric, Model
class Samples(TorchDataset):
    def __init__(self, without: str = ""):
        self.without = without
    def __len__(self):
        return 8
    def __getitem__(self, number):
        sample = {"input": torch.rand(1, 8, 8), "target": number % 10, "amount": 1.0}
        sample.pop(self.without, None)
        return sample
class Weigh(torch.nn.Module):
    def forward(self, output, target, amount):
        return (torch.nn.functional.cross_entropy(output, target, reduction="none") * amount).mean()
class Weighing(Loss):
    "A loss with weights."
    target: ClassVar = "acme_entries:Weigh"
    inputs: ClassVar = ("output", "target", "amount")
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(64, 10)
    def forward(self, images, amount):
        return self.last(images.flatten(1)) + amount[:, None]
class Two(Model):
    "A model of two inputs."
    target: ClassVar = "acme_entries:Net"
    inputs: ClassVar = ("input", "amount")
class Sum(TorchMetric):
    def __init__(self):
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
    def update(self, output, amount):
        self.total += amount.sum()
    def compute(self):
        return self.total
class Amount(Metric):
    "The sum of the weights."
    target: ClassVar = "acme_entries:Sum"
    inputs: ClassVar = ("output", "amount")
"""
ENTRY_POINTS = """\
[registry_core.v1.datasets]
entries = acme_entries:Samples
[registry_core.v1.losses]
weighing = acme_entries:Weighing
[registry_core.v1.models]
two = acme_entries:Two
[registry_core.v1.metrics]
amount = acme_entries:Amount
"""

CPU = {"epochs": 1, "device": "cpu"}


def of_training(path: Path, out: Path) -> tuple[Problem, ...]:
    """The problems that end a run of this file."""
    with pytest.raises(RegistryError) as ended:
        registry_core.train(registry_core.load(path), out)
    error = ended.value
    return error.problems if isinstance(error, PipelineError) else (error.problem(),)


def of_deep(path: Path) -> list[Problem]:
    """What the dry run says of it."""
    return dry_run(make_plan(registry_core.load(path))).problems


def without_numbers(problem: Problem) -> tuple[str, ...]:
    """What must agree: a run has other batches, so other sizes and samples; torch names watched tensors otherwise."""
    message = re.sub(r"(?<=inplace operation: ).*", "", re.sub(r"\d+", "N", problem.message))
    return (problem.code, problem.path, str(problem.place), message, problem.remedy)


@pytest.mark.parametrize("changes", AT_WORK, ids=lambda changes: json.dumps(changes)[:40])
def test_training_says_what_deep_says(
    pipeline: Callable[..., Path], distribution: Callable[..., Path], tmp_path: Path, changes: dict[str, Any]
) -> None:
    distribution("acme", POINTS)
    path = pipeline(**{"train": CPU, **changes})
    (found,) = of_training(path, tmp_path / "run")
    (deep,) = of_deep(path)
    assert without_numbers(found) == without_numbers(deep)
    assert found.exit_code == deep.exit_code


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        (
            {"model": "two", "metrics": []},
            "model",
            "The model 'two' reads 'amount', which the samples of data.val do not have; they",
        ),
        ({"loss": "weighing"}, "loss", "The loss 'weighing' reads 'amount', which the samples of data.val do not have"),
        ({"metrics": ["accuracy", "amount"]}, "metrics[1]", "have 'input', 'target'. The model returns 'output'."),
    ],
    ids=["model", "loss", "metric"],
)
def test_an_entry_that_val_lacks(
    pipeline: Callable[..., Path],
    distribution: Callable[..., Path],
    tmp_path: Path,
    changes: dict[str, Any],
    path: str,
    words: str,
) -> None:
    """The data set declares no entries, so only a batch shows what it has."""
    distribution("acme", ENTRY_POINTS, modules={"acme_entries": ENTRIES})
    data = {
        "train": {"dataset": "entries"},
        "val": {"dataset": {"entries": {"without": "amount"}}},
        "batch_size": 4,
    }
    file = pipeline(data=data, train=CPU, **changes)
    (found,) = of_training(file, tmp_path / "run")
    assert (found.code, found.path) == ("missing-entry", path)
    assert words in found.message
    assert found.place is not None
    assert of_deep(file) == [found]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_small_image_under_random_crop_is_named(pipeline: Callable[..., Path], tmp_path: Path, workers: int) -> None:
    from PIL import Image

    for name in ("cat", "dog"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(20):  # the cheap look reads the size of a few files only
            side = 6 if (name, number) == ("cat", 1) else 12
            Image.new("L", (side, side)).save(folder / f"{number:02}.png")
    section = {
        "dataset": {"image_folder": {"root": str(tmp_path / "images"), "mode": "L"}},
        "transforms": [{"random_crop": {"size": 8}}, "to_tensor"],
    }
    model = {"mlp": {"size": 8, "num_classes": 2}}
    file = pipeline(data={"train": section, "batch_size": 4, "workers": workers}, model=model, train=CPU, metrics=[])
    (found,) = of_training(file, tmp_path / "run")
    assert found.path == "data.train.transforms[0]"
    assert found.place is not None
    assert "8 x 8 window does not fit into the image of 6 x 6" in found.message
    assert f"The sample is data.train[1], '{tmp_path}/images/cat/01.png'." in found.message
