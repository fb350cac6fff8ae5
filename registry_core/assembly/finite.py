"""Tensors with values that are not finite, read from the device once for many of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import torch


def largest(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The largest absolute value of several tensors, without overflow; NaN if one value is NaN."""
    if not tensors:
        return torch.zeros(())
    norms = torch._foreach_norm(list(tensors), math.inf)
    return torch.stack([norm.to(norms[0].device, torch.float32) for norm in norms]).max()


def stored(tensor: torch.Tensor) -> torch.Tensor:
    """The values that a tensor holds in memory: for a sparse one, those that may differ from 0."""
    return tensor._values() if tensor.is_sparse else tensor


def not_finite(tensors: Mapping[str, torch.Tensor]) -> Iterator[str]:
    """The names of floating-point tensors with NaN or infinite values."""
    floating = _floating(tensors)
    if floating and not math.isfinite(largest(list(floating.values())).item()):
        yield from (name for name, tensor in floating.items() if not tensor.isfinite().all())


def holding_nan(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """The names of floating-point tensors with NaN; infinite values may be meant, as in masks."""
    return [name for name, tensor in _floating(tensors).items() if _may_hold_nan(tensor) and tensor.isnan().any()]


def _may_hold_nan(tensor: torch.Tensor) -> bool:
    """False if the sum, which is fast and NaN if a value is, excludes it; numbers of 8 bits have no sum in torch."""
    return tensor.dtype.itemsize == 1 or bool(tensor.sum().isnan())


def _floating(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The values of the floating-point tensors that have any."""
    found = {name: stored(tensor.detach()) for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}
    return {
        name: tensor
        for name, tensor in found.items()
        if tensor.is_floating_point() and tensor.numel() and not tensor.is_meta
    }
