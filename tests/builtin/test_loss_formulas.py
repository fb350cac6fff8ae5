"""Every loss agrees with its formula, written out in NumPy in double precision, for each reduction."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from registry_core.components import Loss
from registry_core.config.loading.resolve import Resolver
from registry_core.config.text.tree import Tree

RANDOM = np.random.default_rng(3)
N, C = 6, 5
SCORES = RANDOM.normal(size=(N, C))
CLASSES = np.array([0, 1, 4, 3, 1, 1])
HOT = (RANDOM.random((N, C)) < 0.5).astype(float)
SIGNS = np.array([1.0, -1, 1, 1, -1, -1])
SIGNS_OF_CLASSES = np.where(HOT == 1, 1.0, -1.0)
VALUES = RANDOM.normal(size=(N, C))
COUNTS = RANDOM.integers(0, 5, size=(N, C)).astype(float)
PROBABILITIES = RANDOM.uniform(0.05, 0.95, size=(N, C))
DISTRIBUTIONS = RANDOM.dirichlet(np.ones(C), size=N)
EMBEDDINGS = [RANDOM.normal(size=(N, 8)) for _ in range(3)]
MAPS = RANDOM.integers(0, 3, size=(2, 4, 4))
MAP_SCORES = RANDOM.normal(size=(2, 3, 4, 4))
WEIGHT = np.array([1.0, 0.5, 2.0, 0.25, 3.0])


def log_softmax(x: np.ndarray, axis: int = 1) -> np.ndarray:
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def norm(x: np.ndarray, p: float = 2) -> np.ndarray:
    return (np.abs(x) ** p).sum(-1) ** (1 / p)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / norm(a) / norm(b)


def hinge(x: Any) -> np.ndarray:
    return np.maximum(0, x)


def multi_margin(p: int, margin: float) -> np.ndarray:
    right = SCORES[np.arange(N), CLASSES][:, None]
    each = hinge(margin - right + SCORES) ** p
    each[np.arange(N), CLASSES] = 0
    return each.sum(1) / C


def multi_label_margin(lists: np.ndarray) -> np.ndarray:
    found = []
    for scores, labels in zip(SCORES, lists, strict=True):
        there = [label for label in labels if label >= 0]
        wrong = [label for label in range(C) if label not in there]
        found.append(sum(max(0, 1 - (scores[t] - scores[w])) for t in there for w in wrong) / C)
    return np.array(found)


LISTS = np.array([[0, 2, -1, -1, -1], [1, -1, -1, -1, -1], [4, 3, 2, -1, -1]] * 2)


def ctc(log_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Minus the logarithm of the probability of all paths, summed over one by one."""
    time, classes = log_probabilities.shape
    total = 0.0
    for number in range(classes**time):
        path = [(number // classes**step) % classes for step in range(time)]
        merged = [path[0], *(b for a, b in pairwise(path) if a != b)]
        if [label for label in merged if label] == list(labels):
            total += np.exp(sum(log_probabilities[step, label] for step, label in enumerate(path)))
    return -np.log(total)


TIME_SCORES = RANDOM.normal(size=(3, 5, 3))
SEQUENCES = np.array([[1, 2], [2, 2], [1, 0]])
LENGTHS = np.array([2, 2, 1])
CTC_EACH = np.array([ctc(log_softmax(TIME_SCORES[n]), SEQUENCES[n, : LENGTHS[n]]) for n in range(3)])
MEAN, SUM, NONE = "mean", "sum", "none"
D = SCORES - VALUES
A, P, Q = EMBEDDINGS
SMOOTH = np.where(np.abs(D) < 0.5, D**2, np.abs(D) - 0.25)
HUBER = np.where(np.abs(D) < 0.5, D**2 / 2, 0.5 * (np.abs(D) - 0.25))
PICKED = -log_softmax(SCORES)[np.arange(N), CLASSES]
MAP_PICKED = -np.take_along_axis(log_softmax(MAP_SCORES), MAPS[:, None], axis=1)[:, 0]
STIRLING = np.where(
    COUNTS > 1, COUNTS * np.log(np.maximum(COUNTS, 1)) - COUNTS + np.log(2 * np.pi * np.maximum(COUNTS, 1)) / 2, 0
)
VARIANCE = PROBABILITIES

FORMULAS: list[tuple[str, dict[str, Any], tuple[np.ndarray, ...], np.ndarray]] = [
    ("l1", {}, (SCORES, VALUES), np.abs(D)),
    ("mse", {}, (SCORES, VALUES), D**2),
    ("smooth_l1", {"beta": 0.5}, (SCORES, VALUES), SMOOTH),
    ("huber", {"delta": 0.5}, (SCORES, VALUES), HUBER),
    ("cross_entropy", {}, (SCORES, CLASSES), PICKED),
    ("cross_entropy", {}, (SCORES, DISTRIBUTIONS), -(DISTRIBUTIONS * log_softmax(SCORES)).sum(1)),
    ("cross_entropy", {}, (MAP_SCORES, MAPS), MAP_PICKED),
    ("nll", {}, (log_softmax(SCORES), CLASSES), PICKED),
    ("nll_2d", {}, (log_softmax(MAP_SCORES), MAPS), MAP_PICKED),
    ("kl_div", {}, (log_softmax(SCORES), DISTRIBUTIONS), DISTRIBUTIONS * (np.log(DISTRIBUTIONS) - log_softmax(SCORES))),
    (
        "kl_div",
        {"log_target": True},
        (log_softmax(SCORES), np.log(DISTRIBUTIONS)),
        DISTRIBUTIONS * (np.log(DISTRIBUTIONS) - log_softmax(SCORES)),
    ),
    ("bce", {}, (PROBABILITIES, HOT), -(HOT * np.log(PROBABILITIES) + (1 - HOT) * np.log(1 - PROBABILITIES))),
    ("bce_with_logits", {}, (SCORES, HOT), HOT * softplus(-SCORES) + (1 - HOT) * softplus(SCORES)),
    (
        "bce_with_logits",
        {"pos_weight": [2, 1, 3, 0.5, 1]},
        (SCORES, HOT),
        np.array([2, 1, 3, 0.5, 1]) * HOT * softplus(-SCORES) + (1 - HOT) * softplus(SCORES),
    ),
    (
        "margin_ranking",
        {"margin": 0.3},
        (SCORES[:, 0], SCORES[:, 1], SIGNS),
        hinge(0.3 - SIGNS * (SCORES[:, 0] - SCORES[:, 1])),
    ),
    (
        "hinge_embedding",
        {"margin": 0.7},
        (PROBABILITIES[:, 0], SIGNS),
        np.where(SIGNS == 1, PROBABILITIES[:, 0], hinge(0.7 - PROBABILITIES[:, 0])),
    ),
    ("multi_label_margin", {}, (SCORES, LISTS), multi_label_margin(LISTS)),
    ("soft_margin", {}, (SCORES, SIGNS_OF_CLASSES), softplus(-SIGNS_OF_CLASSES * SCORES)),
    (
        "multi_label_soft_margin",
        {},
        (SCORES, HOT),
        (HOT * softplus(-SCORES) + (1 - HOT) * softplus(SCORES)).mean(1),
    ),
    (
        "cosine_embedding",
        {"margin": 0.1},
        (A, P, SIGNS),
        np.where(SIGNS == 1, 1 - cosine(A, P), hinge(cosine(A, P) - 0.1)),
    ),
    ("multi_margin", {"p": 1}, (SCORES, CLASSES), multi_margin(1, 1)),
    ("multi_margin", {"p": 2, "margin": 0.5}, (SCORES, CLASSES), multi_margin(2, 0.5)),
    ("triplet_margin", {"margin": 0.5}, (A, P, Q), hinge(norm(A - P) - norm(A - Q) + 0.5)),
    (
        "triplet_margin",
        {"margin": 0.5, "swap": True, "p": 1},
        (A, P, Q),
        hinge(norm(A - P, 1) - np.minimum(norm(A - Q, 1), norm(P - Q, 1)) + 0.5),
    ),
    (
        "triplet_margin_with_distance",
        {"distance": "cosine_distance", "margin": 0.4},
        (A, P, Q),
        hinge(cosine(A, Q) - cosine(A, P) + 0.4),
    ),
    (
        "triplet_margin_with_distance",
        {"distance": {"p_distance": {"p": 1}}},
        (A, P, Q),
        hinge(norm(A - P, 1) - norm(A - Q, 1) + 1),
    ),
    ("ctc", {}, (log_softmax(TIME_SCORES, -1), SEQUENCES, LENGTHS), CTC_EACH),
    ("poisson_nll", {}, (SCORES, COUNTS), np.exp(SCORES) - COUNTS * SCORES),
    (
        "poisson_nll",
        {"log_input": False},
        (PROBABILITIES, COUNTS),
        PROBABILITIES - COUNTS * np.log(PROBABILITIES + 1e-8),
    ),
    ("poisson_nll", {"full": True}, (SCORES, COUNTS), np.exp(SCORES) - COUNTS * SCORES + STIRLING),
    ("gaussian_nll", {}, (SCORES, VALUES, VARIANCE), (np.log(VARIANCE) + D**2 / VARIANCE) / 2),
    (
        "gaussian_nll",
        {"full": True},
        (SCORES, VALUES, VARIANCE),
        (np.log(VARIANCE) + D**2 / VARIANCE + np.log(2 * np.pi)) / 2,
    ),
]


def resolved(name: str, parameters: dict[str, Any]) -> Any:
    """The loss as a pipeline file would make it, with functions inside it."""
    resolver = Resolver(Tree({}))
    loss = resolver.component(Loss, {name: parameters}, ("loss",))
    assert not resolver.problems
    return loss


def tensors(arrays: tuple[np.ndarray, ...]) -> list[torch.Tensor]:
    return [torch.tensor(a, dtype=torch.int64 if a.dtype.kind == "i" else torch.float32) for a in arrays]


def named(row: tuple[Any, ...]) -> list[str]:
    """The loss of a row, and the function inside it."""
    distance = row[1].get("distance", {})
    return [f"loss/{row[0]}", *(f"function/{name}" for name in ([distance] if isinstance(distance, str) else distance))]


MEANS: dict[str, Callable[[np.ndarray], float]] = {
    "kl_div": lambda each: each.sum() / N,  # batchmean is the default
    "ctc": lambda each: float((each / LENGTHS).mean()),
}


@pytest.mark.parametrize("reduction", [NONE, MEAN, SUM])
@pytest.mark.parametrize(
    ("name", "parameters", "arrays", "elements"),
    [
        pytest.param(*row, id=f"{row[0]}-{place}", marks=pytest.mark.covers(*named(row), reference="the formula"))
        for place, row in enumerate(FORMULAS)
    ],
)
def test_the_formula(
    name: str, parameters: dict[str, Any], arrays: tuple[np.ndarray, ...], elements: np.ndarray, reduction: str
) -> None:
    chosen = {} if name == "kl_div" and reduction == MEAN else {"reduction": reduction}
    found = resolved(name, {**parameters, **chosen}).build()(*tensors(arrays)).detach().numpy()
    if reduction == NONE:
        np.testing.assert_allclose(found, elements, rtol=2e-5, atol=2e-5)
    elif reduction == SUM:
        assert found == pytest.approx(elements.sum(), rel=2e-5)
    else:
        assert found == pytest.approx(MEANS.get(name, np.mean)(elements), rel=2e-5)
