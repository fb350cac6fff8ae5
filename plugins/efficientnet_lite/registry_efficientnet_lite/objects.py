"""Build the network of the package efficientnet-lite-pytorch."""

from __future__ import annotations

from efficientnet_lite_pytorch import EfficientNet
from torch import nn


def efficientnet_lite0(
    num_classes: int,
    in_channels: int,
    size: tuple[int, int],
    dropout: float,
    drop_connect: float,
    norm_momentum: float,
) -> nn.Module:
    """Return EfficientNet-Lite0 with random initial values."""
    network: nn.Module = EfficientNet.from_name(
        "efficientnet-lite0",
        in_channels=in_channels,
        num_classes=num_classes,
        image_size=size,
        dropout_rate=dropout,
        drop_connect_rate=drop_connect,
        batch_norm_momentum=1 - norm_momentum,  # the package passes 1 minus this value to torch
    )
    return network
