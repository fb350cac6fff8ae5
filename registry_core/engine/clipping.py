"""The norm of all gradients, dense and sparse, by which they are clipped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from registry_core.assembly.finite import stored


def total_norm(parameters: Sequence[nn.Parameter]) -> torch.Tensor:
    """The L2 norm of all gradients, as ``torch.nn.utils.clip_grad_norm_`` computes it.

    A row that occurs several times in a sparse gradient counts with its sum: sparse gradients are coalesced.
    ``clip_grad_norm_`` itself supports sparse gradients only in newer versions of torch.
    """
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
    return nn.utils.get_total_norm([stored(parameter.grad) for parameter in parameters if parameter.grad is not None])
