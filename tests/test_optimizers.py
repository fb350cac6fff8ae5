"""Optimizers take torch's steps, bit for bit, and those of their textbooks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from registry_builtin.optimizers import SGD, Adam, AdamW, RMSprop
from torch import Tensor, nn

from registry_core.components import Optimizer


def trajectory(make: Any) -> list[Tensor]:
    """The weights of a small regression after each of 20 steps."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    inputs, targets = torch.randn(16, 5), torch.randn(16, 2)
    optimizer = make(model.parameters())
    after = []
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(inputs), targets).backward()
        optimizer.step()
        after.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    return after


@pytest.mark.parametrize(
    ("ours", "plain", "arguments"),
    [
        (SGD(), torch.optim.SGD, {}),
        (SGD(lr=0.1), torch.optim.SGD, {"lr": 0.1}),
        (SGD(lr=0.1, momentum=0.9, dampening=0.1), torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1}),
        (
            SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-2),
            torch.optim.SGD,
            {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-2},
        ),
        (SGD(maximize=True), torch.optim.SGD, {"maximize": True}),
        (SGD(momentum=0.9, fused=True), torch.optim.SGD, {"momentum": 0.9, "fused": True}),
        (Adam(), torch.optim.Adam, {}),
        (
            Adam(lr=0.01, betas=(0.8, 0.9), eps=1e-6, weight_decay=0.1, amsgrad=True),
            torch.optim.Adam,
            {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-6, "weight_decay": 0.1, "amsgrad": True},
        ),
        (AdamW(), torch.optim.AdamW, {}),
        (AdamW(weight_decay=0.3, fused=True), torch.optim.AdamW, {"weight_decay": 0.3, "fused": True}),
        (RMSprop(), torch.optim.RMSprop, {}),
        (
            RMSprop(lr=0.001, alpha=0.9, eps=1e-6, weight_decay=0.1, momentum=0.5, centered=True),
            torch.optim.RMSprop,
            {"lr": 0.001, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.5, "centered": True},
        ),
    ],
)
def test_the_steps_of_plain_torch(ours: Optimizer, plain: Any, arguments: dict[str, Any]) -> None:
    expected = trajectory(lambda parameters: plain(parameters, **arguments))
    for step, (a, b) in enumerate(zip(trajectory(ours.build), expected, strict=True)):
        assert torch.equal(a, b), f"step {step}"


def steps(optimizer: Optimizer, gradients: list[float], start: float = 1.0) -> float:
    weight = nn.Parameter(torch.tensor([start], dtype=torch.float64))
    built = optimizer.build([weight])
    for gradient in gradients:
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        built.step()
    return weight.item()


def test_textbook_sgd() -> None:
    assert steps(SGD(lr=0.1, weight_decay=0.5), [2.0]) == pytest.approx(1 - 0.1 * (2 + 0.5 * 1))
    # velocity: 2, then 0.9 * 2 + 1 = 2.8
    assert steps(SGD(lr=0.1, momentum=0.9), [2.0, 1.0]) == pytest.approx(1 - 0.1 * 2 - 0.1 * 2.8)
    # Nesterov's step is gradient + momentum * velocity
    expected = 1 - 0.1 * (2 + 0.9 * 2) - 0.1 * (1 + 0.9 * 2.8)
    assert steps(SGD(lr=0.1, momentum=0.9, nesterov=True), [2.0, 1.0]) == pytest.approx(expected)
    assert steps(SGD(lr=0.1, maximize=True), [2.0]) == pytest.approx(1.2)


def adam_step(gradients: list[float], lr: float, b1: float, b2: float, eps: float, decay: float = 0.0) -> float:
    weight, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        weight -= lr * decay * weight
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        weight -= lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
    return weight


def test_textbook_adam_and_adamw() -> None:
    gradients = [2.0, -1.0, 0.5]
    expected = adam_step(gradients, 0.1, 0.8, 0.9, 1e-3)
    assert steps(Adam(lr=0.1, betas=(0.8, 0.9), eps=1e-3), gradients) == pytest.approx(expected, rel=1e-9)
    expected = adam_step(gradients, 0.1, 0.9, 0.999, 1e-8, decay=0.2)
    assert steps(AdamW(lr=0.1, weight_decay=0.2), gradients) == pytest.approx(expected, rel=1e-9)


def test_textbook_rmsprop() -> None:
    weight, square = 1.0, 0.0
    for gradient in (2.0, -1.0):
        square = 0.9 * square + 0.1 * gradient**2
        weight -= 0.1 * gradient / (square**0.5 + 1e-3)
    assert steps(RMSprop(lr=0.1, alpha=0.9, eps=1e-3), [2.0, -1.0]) == pytest.approx(weight, rel=1e-9)


def test_groups_override_options() -> None:
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    built = SGD(lr=0.1).build([{"params": [first]}, {"params": [second], "lr": 0.01}])
    assert [group["lr"] for group in built.param_groups] == [0.1, 0.01]


@pytest.mark.parametrize("parameters", [{}, {"momentum": 0.9, "dampening": 0.1}])
def test_nesterov_needs_momentum_without_dampening(parameters: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="nesterov needs momentum above 0 and dampening 0, but momentum is 0"):
        SGD(nesterov=True, **parameters)


@pytest.mark.parametrize(
    ("declaration", "parameters"),
    [
        (SGD, {"lr": 0.0}),
        (SGD, {"lr": "0.1"}),
        (Adam, {"betas": [0.9, 1.0]}),
        (RMSprop, {"fused": True}),
        (AdamW, {"eps": -1.0}),
    ],
)
def test_wrong_parameters_are_refused(declaration: type[Optimizer], parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declaration(**parameters)
