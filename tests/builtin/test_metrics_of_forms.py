"""Metrics of every form of output and target, against scikit-learn and what is written out by hand."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor
from torchmetrics import Metric as TorchMetric

from registry_core.components import CheckFailed
from registry_core.registry import registries

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(103, 5, generator=GENERATOR)
TARGET = torch.randint(5, (103,), generator=GENERATOR)
HOT = (torch.rand(103, 5, generator=GENERATOR) < torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9])).float()
MAPS = torch.randn(9, 3, 7, 6, generator=GENERATOR)
MAP_TARGET = torch.randint(3, (9, 7, 6), generator=GENERATOR)


def metric(name: str, classes: int | None = 5, **parameters: Any) -> TorchMetric:
    return registries.metrics[name](**parameters).build(classes)


def measured(built: TorchMetric, batch: int, *values: Tensor) -> float:
    for parts in zip(*(value.split(batch) for value in values), strict=True):
        built.update(*parts)
    return float(built.compute())


SCORES = {
    "precision": sklearn_metrics.precision_score,
    "recall": sklearn_metrics.recall_score,
    "f1": sklearn_metrics.f1_score,
}


@pytest.mark.covers("metric/precision", "metric/recall", "metric/f1", reference="sklearn.metrics")
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", SCORES)
def test_scores_of_one_class(name: str, average: str) -> None:
    expected = SCORES[name](TARGET, LOGITS.argmax(1), average=average, zero_division=0)
    for batch in (10, 103):
        assert measured(metric(name, average=average), batch, LOGITS, TARGET) == pytest.approx(expected, rel=1e-5)


@pytest.mark.covers(
    "metric/multi_label_precision", "metric/multi_label_recall", "metric/multi_label_f1", reference="sklearn.metrics"
)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("threshold", [0.5, 0.3])
@pytest.mark.parametrize("name", SCORES)
def test_scores_of_several_classes(name: str, average: str, threshold: float) -> None:
    given = 1 / (1 + np.exp(-LOGITS.double().numpy())) > threshold
    expected = SCORES[name](HOT, given, average=average, zero_division=0)
    lists = torch.full((103, 5), -1)
    for row, hot in enumerate(HOT):
        numbers = hot.nonzero().flatten()
        lists[row, : len(numbers)] = numbers.flip(0)
    label = f"multi_label_{name}"
    for target in (HOT, HOT * 2 - 1, lists):
        options: dict[str, Any] = {"average": average, "threshold": threshold}
        assert measured(metric(label, **options), 10, LOGITS, target) == pytest.approx(expected, rel=1e-5)
        built = metric(label, emits="probabilities", **options)
        assert measured(built, 10, LOGITS.sigmoid(), target) == pytest.approx(expected, rel=1e-5)


def test_logits_that_look_like_probabilities_are_logits() -> None:
    """All of them are above 0, so every class is given."""
    assert measured(metric("multi_label_recall"), 10, torch.full((103, 5), 0.1), HOT) == 1.0


@pytest.mark.covers("metric/pixel_accuracy", "metric/mean_iou", reference="sklearn.metrics")
@pytest.mark.parametrize("ignored", [None, 1])
def test_scores_of_pixels(ignored: int | None) -> None:
    target, given = MAP_TARGET.flatten(), MAPS.argmax(1).flatten()
    kept = target != (-1 if ignored is None else ignored)
    target, given = target[kept], given[kept]
    accuracy = sklearn_metrics.accuracy_score(target, given)
    for batch in (2, 9):
        found = measured(metric("pixel_accuracy", 3, ignore_index=ignored), batch, MAPS, MAP_TARGET)
        assert found == pytest.approx(accuracy, rel=1e-5)
    if ignored is None:
        assert measured(metric("accuracy", 3), 2, MAPS, MAP_TARGET) == pytest.approx(accuracy, rel=1e-5)
        iou = sklearn_metrics.jaccard_score(target, given, average="macro")
        assert measured(metric("mean_iou", 3), 2, MAPS, MAP_TARGET) == pytest.approx(iou, rel=1e-5)


@pytest.mark.covers("metric/mean_iou", reference="intersection over union by hand")
def test_iou_leaves_out_what_is_not_there_and_what_is_ignored() -> None:
    maps = torch.nn.functional.one_hot(torch.tensor([[[0, 0, 1, 1]]]), 4).movedim(-1, 1).float()
    assert measured(metric("mean_iou", 4), 1, maps, torch.tensor([[[0, 1, 1, 1]]])) == pytest.approx(
        (1 / 2 + 2 / 3) / 2
    )
    found = measured(metric("mean_iou", 4, ignore_index=3), 1, maps, torch.tensor([[[0, 3, 1, 3]]]))
    assert found == pytest.approx(1.0)


@pytest.mark.covers("metric/mean_absolute_error", "metric/mean_squared_error", reference="the formulas in NumPy")
@pytest.mark.parametrize("shape", [(103,), (103, 1), (103, 4)])
def test_errors_of_values(shape: tuple[int, ...]) -> None:
    output, target = torch.randn(shape), torch.randn(shape)
    difference = (output - target).double().numpy()
    for batch in (10, 103):
        found = measured(metric("mean_absolute_error", None), batch, output, target)
        assert found == pytest.approx(np.abs(difference).mean(), rel=1e-5)
        found = measured(metric("mean_squared_error", None), batch, output, target)
        assert found == pytest.approx((difference**2).mean(), rel=1e-5)
        for name, power in (("mean_absolute_error", 1), ("mean_squared_error", 2)):
            expected = (np.abs(np.exp(output.double().numpy()) - target.double().numpy()) ** power).mean()
            assert measured(metric(name, None, log_output=True), batch, output, target) == pytest.approx(
                expected, rel=1e-5
            )


def test_metrics_of_values_take_a_part_of_a_tensor() -> None:
    """As the model gaussian gives: half of the columns."""
    means, target = torch.arange(12.0).reshape(3, 4).chunk(2, 1)[0], torch.zeros(3, 2)
    assert not means.is_contiguous()
    assert measured(metric("mean_absolute_error", None), 3, means, target) == pytest.approx((0 + 1 + 4 + 5 + 8 + 9) / 6)
    found = measured(metric("mean_squared_error", None), 3, means, target)
    assert found == pytest.approx((0 + 1 + 16 + 25 + 64 + 81) / 6)


@pytest.mark.parametrize("name", ["mean_absolute_error", "mean_squared_error", "distance_accuracy"])
def test_nothing_is_broadcast(name: str) -> None:
    """Outputs [batch, 1] and targets [batch] would make [batch, batch] differences: they are taken one by one."""
    output, target = torch.randn(6, 1, generator=GENERATOR), torch.randn(6, generator=GENERATOR).sign()
    assert measured(metric(name, None), 6, output, target) == measured(metric(name, None), 6, output[:, 0], target)
    with pytest.raises(ValueError, match=r"output \[6, 2\], target \[6\]"):
        metric(name, None).update(torch.zeros(6, 2), torch.zeros(6))


def edit_distance(read: list[int], there: list[int]) -> int:
    """Levenshtein's recursion, written out."""
    if not read or not there:
        return len(read) + len(there)
    if read[-1] == there[-1]:
        return edit_distance(read[:-1], there[:-1])
    ways = edit_distance(read[:-1], there), edit_distance(read, there[:-1]), edit_distance(read[:-1], there[:-1])
    return 1 + min(ways)


def best_path(best: list[int], blank: int) -> list[int]:
    read = []
    for step, label in enumerate(best):
        if label != blank and (step == 0 or best[step - 1] != label):
            read.append(label)
    return read


@pytest.mark.covers("metric/label_error_rate", reference="best path and Levenshtein's recursion by hand")
@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("batch", [1, 7, 60])
def test_label_error_rate(blank: int, batch: int) -> None:
    generator = torch.Generator().manual_seed(1)
    output = torch.randn(60, 8, 4, generator=generator)
    lengths = torch.randint(0, 6, (60,), generator=generator)
    labels = torch.tensor([label for label in range(4) if label != blank])
    target = labels[torch.randint(3, (60, 5), generator=generator)]
    target[torch.arange(5) >= lengths[:, None]] = blank
    wrong = 0
    for scores, there, length in zip(output, target.tolist(), lengths.tolist(), strict=True):
        wrong += edit_distance(best_path(scores.argmax(1).tolist(), blank), there[:length])
    built = metric("label_error_rate", None, blank=blank)
    assert measured(built, batch, output, target, lengths) == pytest.approx(wrong / lengths.sum().item())


@pytest.mark.parametrize(
    ("path", "there", "expected"),
    [
        ("0110220", "12", 0),
        ("0111122", "12", 0),
        ("1010", "11", 0),
        ("1111", "11", 1),
        ("0000", "123", 3),
        ("1203", "13", 1),
        ("3333", "12", 2),
    ],
)
def test_paths_by_hand(path: str, there: str, expected: int) -> None:
    output = torch.nn.functional.one_hot(torch.tensor([[int(label) for label in path]]), 4).float()
    target = torch.tensor([[int(label) for label in there]])
    found = measured(metric("label_error_rate", None), 1, output, target, torch.tensor([len(there)]))
    assert found == pytest.approx(expected / len(there))


@pytest.mark.covers("metric/nearest_neighbour_accuracy", reference="sklearn.neighbors.NearestNeighbors")
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_nearest_neighbour_accuracy(distance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry_builtin.objects import embedding_metrics
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(embedding_metrics, "_ROWS", 50)
    embeddings = torch.randn(203, 6, generator=GENERATOR) * torch.rand(203, 1, generator=GENERATOR) + 0.3
    target = (embeddings[:, 0] > embeddings[:, 1]).long() + (embeddings[:, 2] > 0.5).long()
    neighbours = NearestNeighbors(n_neighbors=2, metric=distance).fit(embeddings).kneighbors(embeddings)[1][:, 1]
    expected = float((target[neighbours] == target).float().mean())
    assert 0.4 < expected < 1
    for batch in (1, 32, 203):
        built = metric("nearest_neighbour_accuracy", None, distance=distance)
        assert measured(built, batch, embeddings, target) == pytest.approx(expected)


def test_a_sample_is_not_its_own_neighbour() -> None:
    embeddings = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
    assert measured(metric("nearest_neighbour_accuracy", None), 4, embeddings, torch.tensor([0, 1, 2, 2])) == 0.5


@pytest.mark.covers("metric/pair_accuracy", "metric/distance_accuracy", reference="distances in NumPy")
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_pairs_told_by_their_distance(distance: str) -> None:
    first, second = torch.randn(103, 3, generator=GENERATOR), torch.randn(103, 3, generator=GENERATOR)
    signs = torch.randint(2, (103,), generator=GENERATOR) * 2.0 - 1
    a, b = first.double().numpy(), second.double().numpy()
    if distance == "euclidean":
        between = np.sqrt(((a - b) ** 2).sum(axis=1))
    else:
        between = 1 - (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    expected = np.mean((between < 0.9) == (signs.numpy() > 0))
    built = metric("pair_accuracy", None, distance=distance, threshold=0.9)
    assert measured(built, 10, first, second, signs) == pytest.approx(expected)
    distances = torch.from_numpy(between).float()
    assert measured(metric("distance_accuracy", None, threshold=0.9), 10, distances, signs) == pytest.approx(expected)


@pytest.mark.covers("metric/ranking_accuracy", reference="the order by hand")
def test_ranking_accuracy() -> None:
    first, second = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]), torch.tensor([2.0, 1.0, 3.0, 3.0, 9.0])
    signs = torch.tensor([-1.0, 1.0, 1.0, -1.0, -1.0])
    assert measured(metric("ranking_accuracy", None), 2, first, second, signs) == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("f1", (LOGITS, TARGET)),
        ("multi_label_f1", (LOGITS, HOT)),
        ("mean_iou", (LOGITS, TARGET)),
        ("nearest_neighbour_accuracy", (LOGITS, TARGET)),
        ("pair_accuracy", (LOGITS, LOGITS.flip(0), TARGET * 2.0 - 1)),
        ("mean_absolute_error", (LOGITS, HOT)),
    ],
)
def test_what_is_built_pickles_and_starts_anew(name: str, values: tuple[Tensor, ...]) -> None:
    built = metric(name)
    before = measured(built, 10, *values)
    again = pickle.loads(pickle.dumps(built))
    again.reset()
    assert measured(again, 20, *values) == pytest.approx(before)
    assert not math.isnan(before)


def test_directions_and_classes() -> None:
    lower = {"mean_absolute_error", "mean_squared_error", "label_error_rate"}
    names = [*SCORES, *(f"multi_label_{name}" for name in SCORES), *lower, "pixel_accuracy", "mean_iou"]
    for name in names:
        assert registries.metrics[name].better == ("lower" if name in lower else "higher")
        if name not in lower:
            with pytest.raises(CheckFailed, match="requires the number of classes"):
                metric(name, None)
