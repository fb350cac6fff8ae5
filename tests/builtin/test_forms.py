"""Every form of target trains: a small pipeline for each gets far beyond what knows nothing of the image."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT

import registry_core
from registry_core.diagnostics import PipelineError

FOLDER = ROOT / "tests" / "pipelines" / "forms"

FIGURES = {
    "class_lists": ("val/multi_label_f1", 0.45),
    "class_maps": ("val/mean_iou", 0.9),
    "class_signs": ("val/multi_label_f1", 0.6),
    "counts": ("val/mean_absolute_error", 0.5),
    "distances": ("val/distance_accuracy", 0.85),
    "gaussian": ("val/mean_absolute_error", 0.1),
    "multi_hot": ("val/multi_label_f1", 0.6),
    "pairs": ("val/pair_accuracy", 0.85),
    "ranking": ("val/ranking_accuracy", 0.8),
    "sequences": ("val/label_error_rate", 0.3),
    "triplets": ("val/nearest_neighbour_accuracy", 0.9),
    "values": ("val/mean_absolute_error", 0.1),
}
"""What each must reach. Without the image: pairs and rankings 0.5, neighbours 0.1, counts 1.2 (digits), angles 0.39
(radians), F1 below 0.35 (all classes always given), label errors 0.9, and intersection over union 0.45."""


def test_every_pipeline_has_its_figure() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(FIGURES)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_forms_train(name: str, tmp_path: Path) -> None:
    figure, wanted = FIGURES[name]
    spec = registry_core.load(FOLDER / f"{name}.yaml").spec
    found = registry_core.train(spec, tmp_path / "run").metrics[figure]
    lower = spec.metrics[-1].better == "lower"
    assert found < wanted if lower else found > wanted


def test_the_blank_is_a_class_of_sequences() -> None:
    overrides = ["model.crnn.num_classes=10"]
    with pytest.raises(
        PipelineError, match=r"model has 10 outputs, but data.train has 11 classes: .* Set num_classes to 11"
    ):
        registry_core.load(FOLDER / "sequences.yaml", overrides)


def test_targets_of_another_form_are_refused() -> None:
    overrides = ["data.train.dataset={segmented: {dataset: digits}}"]
    with pytest.raises(PipelineError) as refused:
        registry_core.load(FOLDER / "multi_hot.yaml", overrides)
    assert "but data.train provides class maps" in str(refused.value)


REFUSED = [
    ("class_maps", "accuracy", "expects class indices as targets, but data.val provides class maps"),
    ("counts", "accuracy", "expects class indices as targets, but data.val provides counts"),
    ("distances", "accuracy", "expects logits or log-probabilities or probabilities, but the model emits values"),
    ("gaussian", "multi_label_f1", "expects logits or probabilities, but the model emits values"),
    ("multi_hot", "f1", "expects class indices as targets, but data.val provides multi-hot vectors"),
    ("multi_hot", "{multi_label_f1: {emits: probabilities}}", "emits logits. Set emits to logits"),
    (
        "multi_hot",
        "{mean_loss: {loss: bce}}",
        "expects probabilities, but the model emits logits, which metrics receive unchanged",
    ),
    ("multi_hot", "mean_iou", "expects class maps as targets, but data.val provides multi-hot vectors"),
    ("pairs", "distance_accuracy", "expects values, but the model emits embeddings"),
    ("sequences", "mean_squared_error", "expects values or counts or"),
    ("triplets", "accuracy", "expects logits or log-probabilities or probabilities, but the model emits embeddings"),
    ("values", "accuracy", "expects class indices as targets, but data.val provides values"),
]


@pytest.mark.parametrize(("name", "metric", "message"), REFUSED)
def test_metrics_of_another_form_are_refused(name: str, metric: str, message: str) -> None:
    with pytest.raises(PipelineError) as refused:
        registry_core.load(FOLDER / f"{name}.yaml", [f"metrics=[{metric}]"])
    assert message in str(refused.value)
    assert {problem.path for problem in refused.value.problems} <= {"metrics[0]", "metrics[0].mean_loss"}


SIZES = [
    ("sequences", "loss={ctc: {blank: 5}}", "loss: The blank of 'ctc' is class 5, but that of the data is 0"),
    ("sequences", "loss={ctc: {blank: 50}}", "loss: The blank of 'ctc' is class 50, but the model has 11 outputs"),
    ("sequences", "metrics=[{label_error_rate: {blank: 1}}]", "The blank of 'label_error_rate' is class 1"),
    (
        "values",
        "model.mlp.num_classes=7",
        "model: The model returns 7 values for a sample, but a target of data.train has",
    ),
    (
        "gaussian",
        "data.train.dataset.rotated.unit=sin_cos",
        "model: The model returns 1 value for a sample, but a target",
    ),
]


@pytest.mark.parametrize(("name", "override", "message"), SIZES)
def test_numbers_that_differ_are_refused(name: str, override: str, message: str) -> None:
    with pytest.raises(PipelineError) as refused:
        registry_core.load(FOLDER / f"{name}.yaml", [override])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("parameter", "message"), [("in_features: 8", "emits 16"), ("n_classes: 9", "have 10 classes")]
)
def test_sizes_of_the_adaptive_softmax(parameter: str, message: str) -> None:
    name, _, value = parameter.partition(": ")
    sizes = {"in_features": 16, "n_classes": 10, "cutoffs": [4], name: int(value)}
    overrides = [
        "metrics=[]",
        "model={sequential: {input: [1, 8, 8], layers: [flatten, {linear: {out_features: 16}}], output: embeddings}}",
        f"loss={{adaptive_log_softmax: {sizes}}}",
    ]
    with pytest.raises(PipelineError, match=message) as refused:
        registry_core.load(ROOT / "examples" / "digits.yaml", ["hooks=[]", *overrides])
    (problem,) = refused.value.problems
    assert problem.path == "loss"
