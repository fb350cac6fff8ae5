"""Metrics of torchmetrics as they are: they follow the model, and a run agrees with what ``validate`` says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torchmetrics.classification import MulticlassAUROC, MulticlassCohenKappa

import registry_core
from registry_core.diagnostics import PipelineError, RegistryError
from registry_core.inspection.dry_run.dry_run import dry_run
from registry_core.loaded import load
from registry_core.planning.make import make_plan

POINTS = """\
[registry_core.v1.metrics]
tm_accuracy = torchmetrics.classification:MulticlassAccuracy
tm_auroc = torchmetrics.classification:MulticlassAUROC
tm_kappa = torchmetrics.classification:MulticlassCohenKappa
tm_any = torchmetrics:Accuracy
tm_confusion = torchmetrics.classification:MulticlassConfusionMatrix
tm_curve = torchmetrics.classification:MulticlassPrecisionRecallCurve
[registry_core.v1.models]
plain = acme_plain:Plain
[registry_core.v1.datasets]
bare = acme_plain:Bare
"""
PLAIN = """\
import torch
from torch import nn
from torch.utils.data import Dataset
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(64, 10)
    def forward(self, images):
        return self.last(images.flatten(1))
class Bare(Dataset):
    def __len__(self):
        return 20
    def __getitem__(self, number):
        return torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(number)), number % 10
"""


@pytest.fixture
def acme(distribution: Callable[..., Path]) -> None:
    distribution("acme", POINTS, modules={"acme_plain": PLAIN})


@pytest.mark.usefixtures("acme")
def test_their_values_are_those_of_torchmetrics(pipeline: Callable[..., Path], tmp_path: Path) -> None:
    metrics: list[Any] = [
        "accuracy",
        "tm_accuracy",
        {"tm_any": {"task": "multiclass"}},
        {"tm_auroc": {"num_classes": 10}},
    ]
    metrics.append({"tm_kappa": {"num_classes": 10}})
    loaded = load(pipeline(metrics=metrics, train={"epochs": 1, "device": "cpu"}))
    result = registry_core.train(loaded, tmp_path / "run")
    outputs, targets = [], []
    for batch in result.pipeline.loaders["val"].batches(epoch=0):
        with torch.no_grad():
            outputs.append(result.pipeline.model.eval()(batch.entries["input"]))
        targets.append(batch.entries["target"])
    output, target = torch.cat(outputs), torch.cat(targets)
    right = output.argmax(1) == target
    by_class = torch.stack([right[target == number].float().mean() for number in range(10)])
    assert result.metrics["val/tm_any"] == pytest.approx(result.metrics["val/accuracy"])
    assert result.metrics["val/tm_accuracy"] == pytest.approx(float(by_class.mean()))
    for name, metric in {"tm_auroc": MulticlassAUROC(10), "tm_kappa": MulticlassCohenKappa(10)}.items():
        assert result.metrics[f"val/{name}"] == pytest.approx(float(metric(output, target)))


@pytest.mark.usefixtures("acme")
def test_another_number_of_classes(pipeline: Callable[..., Path]) -> None:
    with pytest.raises(PipelineError, match=r"expects 7 classes, but the model predicts 10. Set num_classes of the"):
        load(pipeline(metrics=[{"tm_accuracy": {"num_classes": 7}}]))


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(("name", "found"), [("tm_confusion", "10 x 10 values"), ("tm_curve", "a tuple")])
def test_a_metric_of_many_numbers(pipeline: Callable[..., Path], tmp_path: Path, name: str, found: str) -> None:
    loaded = load(pipeline(metrics=["accuracy", {name: {"num_classes": 10}}], train={"epochs": 1, "device": "cpu"}))
    (deep,) = dry_run(make_plan(loaded)).problems
    assert f"The metric {name!r} returned {found}, but a run records one number." in deep.message
    with pytest.raises(RegistryError) as ended:
        registry_core.train(loaded, tmp_path / "run")
    assert ended.value.problem() == deep


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("metric", ["accuracy", {"top_k_accuracy": {"k": 2}}, "precision", "f1"])
def test_classes_that_nothing_declares(pipeline: Callable[..., Path], tmp_path: Path, metric: Any) -> None:
    """A plain model and plain data: what the run would refuse is said before it."""
    section = {"dataset": "bare"}
    data = {"train": section, "val": section, "batch_size": 10}
    changes: dict[str, Any] = {"data": data, "model": "plain", "train": {"epochs": 1, "device": "cpu"}}
    with pytest.raises(PipelineError, match="requires the number of classes, but neither the model nor the data"):
        load(pipeline(metrics=[metric], **changes))
    name, parameters = (metric, {}) if isinstance(metric, str) else next(iter(metric.items()))
    known = load(pipeline(metrics=[{name: {**parameters, "num_classes": 10}}], **changes))
    assert not dry_run(make_plan(known)).problems
    assert registry_core.train(known, tmp_path / "run").metrics
