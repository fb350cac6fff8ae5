"""Small networks: the models net, lenet and mlp."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from registry_builtin.models.small_networks import side_after


class _TwoConvolutions(nn.Module):
    def __init__(self, in_channels: int, size: tuple[int, int], num_classes: int, paddings: tuple[int, int]) -> None:
        super().__init__()
        height, width = (side_after(side, paddings) for side in size)
        self.conv1 = nn.Conv2d(in_channels, 6, 5, padding=paddings[0])
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5, padding=paddings[1])
        self.pool2 = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * height * width, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool1(F.relu(self.conv1(images)))
        features = self.pool2(F.relu(self.conv2(features)))
        features = torch.flatten(features, 1)
        features = F.relu(self.fc1(features))
        features = F.relu(self.fc2(features))
        logits: Tensor = self.fc3(features)
        return logits


class Net(_TwoConvolutions):
    """The tutorial's network, with the same padding in both convolutions."""

    def __init__(self, in_channels: int, size: tuple[int, int], num_classes: int, padding: int) -> None:
        super().__init__(in_channels, size, num_classes, (padding, padding))


class LeNet(_TwoConvolutions):
    """LeNet-5 for 28 x 28 or other images, with padding in the first convolution."""

    def __init__(self, in_channels: int, size: tuple[int, int], num_classes: int) -> None:
        super().__init__(in_channels, size, num_classes, (2, 0))


class MLP(nn.Sequential):
    """Linear layers with ReLU activations, on the flattened image."""

    def __init__(
        self,
        in_channels: int,
        size: tuple[int, int],
        hidden: Sequence[int],
        num_classes: int,
        dropout: float,
        bias: bool,
    ) -> None:
        widths = [in_channels * size[0] * size[1], *hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for narrow, wide in pairwise(widths):
            layers += [nn.Linear(narrow, wide, bias), nn.ReLU()]
            layers += [nn.Dropout(dropout)] if dropout else []
        super().__init__(*layers, nn.Linear(widths[-1], num_classes, bias))
