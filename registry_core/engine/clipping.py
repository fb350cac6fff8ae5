"""Gradient clipping by norm, for dense and sparse gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def clip_norm(parameters: Sequence[nn.Parameter], limit: float) -> torch.Tensor:
    """Scale all gradients by one factor to a total L2 norm of at most ``limit``; return the norm before.

    A row that occurs several times in a sparse gradient counts with its sum. For dense gradients this is
    ``torch.nn.utils.clip_grad_norm_``, which supports sparse ones only in newer versions of torch.
    """
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.get_total_norm([grad.values() if grad.is_sparse else grad for grad in gradients])
    nn.utils.clip_grads_with_norm_(parameters, limit, norm)
    return norm
