"""Metrics agree with their formulas and with scikit-learn, for any split into batches."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from registry_builtin.losses.classes import CrossEntropy
from registry_builtin.losses.values import MSE
from registry_builtin.metrics.accuracy import Accuracy, MeanLoss, TopKAccuracy
from sklearn.metrics import accuracy_score, top_k_accuracy_score
from torch import Tensor, nn
from torchmetrics import Metric as TorchMetric

from registry_core.components import CheckFailed, Loss, Metric
from registry_core.components.target import load_target

GENERATOR = torch.Generator().manual_seed(0)
OUTPUT = torch.randn(103, 7, generator=GENERATOR)
TARGET = torch.randint(7, (103,), generator=GENERATOR)


def measured(metric: TorchMetric, batch: int, output: Tensor = OUTPUT, target: Tensor = TARGET) -> float:
    for pair in zip(output.split(batch), target.split(batch), strict=True):
        metric.update(*pair)
    return float(metric.compute())


@pytest.mark.covers("metric/accuracy", reference="the formula")
@pytest.mark.parametrize("batch", [1, 10, 103])
def test_accuracy(batch: int) -> None:
    expected = accuracy_score(TARGET.numpy(), OUTPUT.numpy().argmax(axis=1))
    assert measured(Accuracy().build(7), batch) == pytest.approx(expected)
    assert measured(Accuracy(num_classes=7).build(None), batch) == pytest.approx(expected)


@pytest.mark.covers("metric/top_k_accuracy", reference="the formula")
@pytest.mark.parametrize("batch", [1, 10, 103])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_accuracy(batch: int, k: int) -> None:
    expected = top_k_accuracy_score(TARGET.numpy(), OUTPUT.numpy(), k=k, labels=range(7))
    assert measured(TopKAccuracy(k=k).build(7), batch) == pytest.approx(expected)


def test_labels_and_directions() -> None:
    assert Accuracy().log_name("accuracy") == "accuracy"
    assert TopKAccuracy().log_name("top_k_accuracy") == "top_5_accuracy"
    assert TopKAccuracy(k=3).log_name("top_k_accuracy") == "top_3_accuracy"
    assert (Accuracy.better, TopKAccuracy.better, MeanLoss.better) == ("higher", "higher", "lower")


@pytest.mark.parametrize(
    ("metric", "classes", "message"),
    [
        (Accuracy(), None, "requires the number of classes"),
        (TopKAccuracy(), None, "requires the number of classes"),
        (TopKAccuracy(k=8), 7, "the 8 largest of only 7 outputs"),
        (Accuracy(num_classes=5), 7, "expects 5 classes, but the model predicts 7"),
    ],
)
def test_classes_that_do_not_fit(metric: Metric, classes: int | None, message: str) -> None:
    with pytest.raises(CheckFailed, match=message) as failed:
        metric.build(classes)
    assert failed.value.remedy


def test_what_to_do_where_all_outputs_are_the_largest() -> None:
    for outputs, remedy in ((7, "Set k to 6 or less."), (1, "Remove the metric.")):
        with pytest.raises(CheckFailed) as failed:
            TopKAccuracy(k=outputs).check_outputs("logits", outputs)
        assert failed.value.remedy == remedy


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.covers("metric/mean_loss", reference="the loss of all samples at once")
@pytest.mark.parametrize("batch", [1, 10, 103])
def test_mean_loss_is_the_mean_over_samples(batch: int) -> None:
    expected = -log_softmax(OUTPUT.double().numpy())[np.arange(103), TARGET.numpy()].mean()
    assert measured(MeanLoss().build(7), batch) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("batch", [1, 10, 103])
@pytest.mark.parametrize(
    "loss",
    [
        CrossEntropy(weight=(1, 2, 3, 4, 5, 0, 0.5)),
        CrossEntropy(ignore_index=3),
        CrossEntropy(weight=(1, 2, 3, 4, 5, 0, 0.5), ignore_index=2, label_smoothing=0.1),
    ],
)
def test_mean_loss_of_weighted_targets_is_that_of_one_batch(loss: Loss, batch: int) -> None:
    expected = float(loss.build()(OUTPUT, TARGET))
    assert measured(MeanLoss(loss=loss).build(7), batch) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("batch", [1, 10, 103])
def test_ignored_numbers_may_be_no_class(batch: int) -> None:
    target = TARGET.clone()
    target[:20] = -100
    loss = CrossEntropy(weight=(1, 2, 3, 4, 5, 6, 7))
    expected = float(loss.build()(OUTPUT, target))
    assert measured(MeanLoss(loss=loss).build(7), batch, target=target) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("batch", [1, 10, 103])
@pytest.mark.parametrize("shape", [(103, 7), (103, 7, 4, 5)])
def test_mean_loss_of_soft_targets(batch: int, shape: tuple[int, ...]) -> None:
    output, target = torch.randn(shape), torch.softmax(torch.randn(shape), dim=1)
    expected = float(nn.functional.cross_entropy(output, target))
    assert measured(MeanLoss().build(7), batch, output, target) == pytest.approx(expected, rel=1e-5)


def test_mean_loss_leaves_the_loss_alone() -> None:
    loss = nn.CrossEntropyLoss()
    load_target(MeanLoss.target)(loss)
    assert loss.reduction == "mean"


@pytest.mark.parametrize("batch", [1, 10, 103])
def test_mean_loss_of_values(batch: int) -> None:
    target = torch.zeros_like(OUTPUT)
    expected = float((OUTPUT.double() ** 2).mean())
    assert measured(MeanLoss(loss=MSE()).build(None), batch, target=target) == pytest.approx(expected, rel=1e-5)


def test_mean_loss_of_half_precision_is_computed_in_single() -> None:
    half = OUTPUT.bfloat16()
    expected = float(nn.functional.cross_entropy(half.float(), TARGET))
    assert measured(MeanLoss().build(7), 103, output=half) == pytest.approx(expected, rel=1e-6)


def test_a_broken_model_shows() -> None:
    broken = OUTPUT.clone()
    broken[50] = float("nan")
    assert np.isnan(measured(MeanLoss().build(7), 10, output=broken))


def test_only_means_of_output_and_target_are_averaged() -> None:
    class Pairs(Loss):
        """Takes other things."""

        inputs = ("output", "second")

    with pytest.raises(ValidationError, match="Set its reduction to mean"):
        MeanLoss(loss=CrossEntropy(reduction="sum"))
    with pytest.raises(ValidationError, match="expects output, second"):
        MeanLoss(loss=Pairs())


@pytest.mark.parametrize("metric", [Accuracy(), TopKAccuracy(k=2), MeanLoss(loss=CrossEntropy(weight=(1,) * 7))])
def test_what_is_built_pickles_and_starts_anew(metric: Any) -> None:
    built = metric.build(7)
    before = measured(built, 10)
    again = pickle.loads(pickle.dumps(built))
    again.reset()
    assert measured(again, 20) == pytest.approx(before)
