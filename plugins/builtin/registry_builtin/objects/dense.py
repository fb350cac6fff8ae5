"""Networks with an output for every pixel or for every column of the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """An encoder and a decoder with skip connections."""

    def __init__(self, in_channels: int, num_classes: int, width: int, depth: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(_double(i, o) for i, o in zip([in_channels, *widths[:-2]], widths[:-1], strict=True))
        self.pool = nn.MaxPool2d(2)
        self.bottom = _double(widths[-2], widths[-1])
        coarse_to_fine = list(zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True))
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(i, o, 2, stride=2) for i, o in coarse_to_fine)
        self.up = nn.ModuleList(_double(i, o) for i, o in coarse_to_fine)
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits for every pixel."""
        features, passed = images, []
        for block in self.down:
            features = block(features)
            passed.append(features)
            features = self.pool(features)
        features = self.bottom(features)
        for enlarge, block in zip(self.enlarge, self.up, strict=True):
            features = block(torch.cat([passed.pop(), enlarge(features)], dim=1))
        logits: Tensor = self.head(features)
        return logits


class CRNN(nn.Module):
    """Convolutions over the image, followed by a recurrent layer over its columns."""

    def __init__(
        self, in_channels: int, size: tuple[int, int], num_classes: int, features: int, hidden: int, recurrent: str
    ) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_normalised(in_channels, features), nn.MaxPool2d(2), *_normalised(features, 2 * features), nn.MaxPool2d(2)
        )
        column = 2 * features * (size[0] // 2 // 2)
        kind = nn.LSTM if recurrent == "lstm" else nn.GRU
        self.recurrent = kind(column, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits for every column."""
        features = self.convolutions(images)
        columns = features.permute(0, 3, 1, 2).flatten(2)
        logits: Tensor = self.head(self.recurrent(columns)[0])
        return logits


def _normalised(in_channels: int, out_channels: int) -> list[nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(out_channels), nn.ReLU()]


def _double(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(*_normalised(in_channels, out_channels), *_normalised(out_channels, out_channels))
