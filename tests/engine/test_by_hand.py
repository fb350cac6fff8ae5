"""A run ends with the same bits as the same training written by hand in plain PyTorch, with no framework."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from randomness_references import order
from sklearn.datasets import load_digits
from torch import nn

import registry_core


class Net(nn.Module):
    """A small LeNet, for images of 8 x 8 with padding 2."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5, padding=2)
        self.pool2 = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 2 * 2, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> Any:
        x = self.pool1(torch.relu(self.conv1(x)))
        x = self.pool2(torch.relu(self.conv2(x)))
        x = x.flatten(1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Four of five images of the digits, as scikit-learn has them, normalised."""
    images, labels = load_digits(return_X_y=True)
    chosen = np.arange(len(labels)) % 5 != 4
    pixels = (images[chosen].astype(np.int64) * 255 // 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    inputs = torch.from_numpy(pixels).to(torch.float32).div(255)
    return (inputs - 0.3) / 0.38, torch.from_numpy(labels[chosen]).to(torch.int64)


def by_hand(seed: int, epochs: int, batch_size: int, clip: float | None, accumulate: int) -> dict[str, torch.Tensor]:
    inputs, targets = digits()
    torch.manual_seed(seed)
    model = Net()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
            nn.init.zeros_(module.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    model.train()
    for epoch in range(epochs):
        batches = list(torch.from_numpy(order(seed, epoch, len(targets))).split(batch_size))
        while batches:
            step, batches = batches[:accumulate], batches[accumulate:]
            optimizer.zero_grad()
            for indices in step:
                loss = criterion(model(inputs[indices]), targets[indices])
                if accumulate > 1:
                    loss = loss * (len(indices) / sum(len(each) for each in step))
                loss.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        scheduler.step()
    return model.state_dict()


@pytest.mark.covers("section/data", reference="a loop in plain PyTorch")
@pytest.mark.parametrize(("clip", "accumulate", "seed"), [(None, 1, 0), (1.0, 1, 7), (None, 3, 7)])
def test_weights_are_bit_identical(
    pipeline: Callable[..., Path], tmp_path: Path, clip: float | None, accumulate: int, seed: int
) -> None:
    steps = ["to_tensor", {"normalize": {"mean": [0.3], "std": [0.38]}}]
    path = pipeline(
        seed=seed,
        data={"train": {"dataset": {"digits": {"split": "train"}}, "transforms": steps}, "batch_size": 50},
        model={"net": {"in_channels": 1, "size": 8, "padding": 2, "num_classes": 10}},
        init=[{"modules": "Conv2d", "weight": "xavier_normal", "bias": {"constant": {"value": 0}}}],
        loss={"cross_entropy": {"label_smoothing": 0.1}},
        optim={
            "optimizer": {"sgd": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}},
            "scheduler": {"step": {"step_size": 1, "gamma": 0.5}},
        },
        train={"epochs": 2, "device": "cpu", "accumulate": accumulate, "clip": clip and {"norm": clip}},
        metrics=[],
    )
    result = registry_core.train(registry_core.load(path), tmp_path / "run")
    expected = by_hand(seed, 2, 50, clip, accumulate)
    found = result.pipeline.model.state_dict()
    assert list(found) == list(expected)
    for name in expected:
        assert torch.equal(found[name], expected[name]), name
