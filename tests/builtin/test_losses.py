"""Losses agree with their formulas, written out in NumPy, and with plain torch."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from registry_builtin.losses.classes import CrossEntropy
from registry_builtin.losses.multi_label import BCEWithLogits
from registry_builtin.losses.values import L1, MSE
from torch import nn

from registry_core.components import Loss

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 4))
CLASSES = np.array([0, 1, 2, 3, 1, 1])
HOT = (RANDOM.random((6, 4)) < 0.5).astype(float)
VALUES = RANDOM.normal(size=(6, 4))
WEIGHT = np.array([1.0, 0.5, 2.0, 0.0])


def value(loss: Loss, output: np.ndarray, target: np.ndarray) -> float:
    dtype = torch.int64 if target.dtype.kind == "i" else torch.float32
    result = loss.build()(torch.tensor(output, dtype=torch.float32), torch.tensor(target, dtype=dtype))
    return float(result)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def test_cross_entropy_is_the_mean_negative_log_probability() -> None:
    picked = -log_softmax(LOGITS)[np.arange(6), CLASSES]
    assert value(CrossEntropy(), LOGITS, CLASSES) == pytest.approx(picked.mean(), rel=1e-5)
    assert value(CrossEntropy(reduction="sum"), LOGITS, CLASSES) == pytest.approx(picked.sum(), rel=1e-5)


def test_cross_entropy_weighs_classes_and_divides_by_the_weights() -> None:
    picked = -log_softmax(LOGITS)[np.arange(6), CLASSES]
    weights = WEIGHT[CLASSES]
    expected = (picked * weights).sum() / weights.sum()
    assert value(CrossEntropy(weight=tuple(WEIGHT)), LOGITS, CLASSES) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_leaves_out_the_ignored_number() -> None:
    picked = -log_softmax(LOGITS)[np.arange(6), CLASSES]
    expected = picked[CLASSES != 1].mean()
    assert value(CrossEntropy(ignore_index=1), LOGITS, CLASSES) == pytest.approx(expected, rel=1e-5)


def test_label_smoothing_spreads_the_target() -> None:
    smooth = 0.8 * np.eye(4)[CLASSES] + 0.2 / 4
    expected = -(smooth * log_softmax(LOGITS)).sum(axis=1).mean()
    assert value(CrossEntropy(label_smoothing=0.2), LOGITS, CLASSES) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("sum", np.sum)])
def test_mse_and_l1(reduction: Any, reduce: Any) -> None:
    difference = LOGITS - VALUES
    assert value(MSE(reduction=reduction), LOGITS, VALUES) == pytest.approx(reduce(difference**2), rel=1e-5)
    assert value(L1(reduction=reduction), LOGITS, VALUES) == pytest.approx(reduce(np.abs(difference)), rel=1e-5)


@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("sum", np.sum)])
def test_bce_with_logits(reduction: Any, reduce: Any) -> None:
    elements = HOT * softplus(-LOGITS) + (1 - HOT) * softplus(LOGITS)
    assert value(BCEWithLogits(reduction=reduction), LOGITS, HOT) == pytest.approx(reduce(elements), rel=1e-5)


def test_bce_weighs_classes_and_present_ones() -> None:
    positive = np.array([3.0, 1.0, 0.5, 2.0])
    elements = WEIGHT * (positive * HOT * softplus(-LOGITS) + (1 - HOT) * softplus(LOGITS))
    loss = BCEWithLogits(weight=tuple(WEIGHT), pos_weight=tuple(positive))
    assert value(loss, LOGITS, HOT) == pytest.approx(elements.mean(), rel=1e-5)


def test_the_bits_of_plain_torch() -> None:
    output, target = torch.randn(8, 4), torch.randint(4, (8,))
    plain = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0, 4.0]), label_smoothing=0.1)
    ours = CrossEntropy(weight=(1, 2, 3, 4), label_smoothing=0.1).build()
    assert torch.equal(ours(output, target), plain(output, target))


def test_weights_are_float32_and_move_with_the_module() -> None:
    loss = pickle.loads(pickle.dumps(CrossEntropy(weight=[1, 2]).build()))
    assert loss.weight.dtype == torch.float32
    assert loss.to("meta").weight.device.type == "meta"
    assert BCEWithLogits(pos_weight=[1, 2]).build().loss.pos_weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("declaration", "parameters"),
    [
        (CrossEntropy, {"label_smoothing": 1.5}),
        (CrossEntropy, {"weight": [-1.0]}),
        (L1, {"weight": [1.0]}),
        (BCEWithLogits, {"pos_weight": ["1"]}),
    ],
)
def test_wrong_parameters_are_refused(declaration: type[Loss], parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declaration(**parameters)
