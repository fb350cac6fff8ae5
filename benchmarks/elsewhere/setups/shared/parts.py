"""What a user has of their own besides the tool: a network, and rules for weights that the tool has no word for."""

from __future__ import annotations

import re

import torch
from torch import nn


class LeNet(nn.Module):
    """Two convolutions and three linear layers, with an activation at the end where one is given."""

    def __init__(
        self, in_channels: int = 1, size: int = 28, num_classes: int = 10, activation: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        side = (size // 2 - 4) // 2
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.activation = activation

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = torch.max_pool2d(torch.relu(self.conv1(images)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        x = self.fc3(torch.relu(self.fc2(x)))
        return x if self.activation is None else self.activation(x)


def set_first_values(model: nn.Module, modules: list[str], scheme: str) -> None:
    """Fill the weights of the modules of these classes by a function of torch.nn.init."""
    fill = getattr(nn.init, scheme)
    for module in model.modules():
        if type(module).__name__ in modules:
            fill(module.weight)


def load_weights(model: nn.Module, file: str, strict: bool) -> None:
    model.load_state_dict(torch.load(file, map_location="cpu"), strict=strict)


def freeze(model: nn.Module, patterns: list[str]) -> None:
    """Exclude the parameters from training whose names a pattern is found in."""
    for name, parameter in model.named_parameters():
        if any(re.search(pattern, name) for pattern in patterns):
            parameter.requires_grad = False


def parameter_groups(model: nn.Module, groups: list[tuple[str, dict[str, float]]]) -> list[dict[str, object]]:
    """All parameters, those whose names a pattern is found in with options of their own; the first match counts."""
    found: list[list[nn.Parameter]] = [[] for _ in range(len(groups) + 1)]
    for name, parameter in model.named_parameters():
        numbers = [n for n, (pattern, _) in enumerate(groups) if re.search(pattern, name)]
        found[numbers[0] if numbers else len(groups)].append(parameter)
    options = [*(options for _, options in groups), {}]
    return [{"params": chosen, **more} for chosen, more in zip(found, options, strict=True)]
