"""Classifiers from torchvision for any number of channels."""

from __future__ import annotations

from typing import Any

from torch import nn
from torchvision import models

# Both warn unless init_weights is set, and return a tuple in training unless their auxiliary heads are disabled.
_INCEPTIONS = {"googlenet", "inception_v3"}


def torchvision_model(arch: str, num_classes: int, in_channels: int) -> nn.Module:
    """Return the randomly initialized architecture, its first convolution adapted to ``in_channels``."""
    options: dict[str, Any] = {"aux_logits": False, "init_weights": True} if arch in _INCEPTIONS else {}
    model: nn.Module = models.get_model(arch, weights=None, num_classes=num_classes, **options)
    if in_channels != 3:
        _fit_first_convolution(model, in_channels)
    return model


def _fit_first_convolution(model: nn.Module, in_channels: int) -> None:
    name, old = next((name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d))
    parent, _, attribute = name.rpartition(".")
    new = nn.Conv2d(
        in_channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]  # torch types it as a tuple of any length; it has two elements
        stride=old.stride,  # type: ignore[arg-type]  # as above
        padding=old.padding,  # type: ignore[arg-type]  # as above
        dilation=old.dilation,  # type: ignore[arg-type]  # as above
        bias=old.bias is not None,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    setattr(model.get_submodule(parent), attribute, new)
