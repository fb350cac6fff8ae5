"""Losses as torch modules, where torch's own need a wrapper."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn


def of_one_shape(values: Sequence[Tensor], names: Sequence[str] = ("output", "target")) -> list[Tensor]:
    """Return values of one shape, without a trailing dimension of 1; ValueError if shapes still differ."""
    dimensions = min(value.ndim for value in values)
    fitted = [value.squeeze(-1) if value.ndim == dimensions + 1 else value for value in values]
    if any(value.shape != fitted[0].shape for value in fitted):
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in zip(names, values, strict=True))
        raise ValueError(f"the shapes of {shapes} differ, but must be equal")
    return fitted


def _precise(values: Tensor) -> Tensor:
    """Return the values in single precision, or in double precision if they already are."""
    return values if values.dtype == torch.float64 else values.float()


class SameShape(nn.Module):
    """Wraps an elementwise loss so that it does not broadcast; outputs [batch, 1] match targets [batch].

    All arguments must have the same shape once a trailing dimension of 1 is removed.
    """

    def __init__(self, loss: nn.Module, names: Sequence[str] = ("output", "target")) -> None:
        super().__init__()
        self.loss = loss
        self.names = names

    def forward(self, *values: Tensor) -> Tensor:
        """Return the loss of values of one shape."""
        fitted = of_one_shape(values, self.names)
        found: Tensor = self.loss(*fitted)
        return found


def _same_shape(loss: type[nn.Module], names: Sequence[str] = ("output", "target")) -> partial[SameShape]:
    return partial(_build, loss, names)


def _build(loss: type[nn.Module], names: Sequence[str], **parameters: object) -> SameShape:
    return SameShape(loss(**parameters), names)


mse = _same_shape(nn.MSELoss)
l1 = _same_shape(nn.L1Loss)
smooth_l1 = _same_shape(nn.SmoothL1Loss)
huber = _same_shape(nn.HuberLoss)
poisson_nll = _same_shape(nn.PoissonNLLLoss)
gaussian_nll = _same_shape(nn.GaussianNLLLoss, ("output", "target", "variance"))
soft_margin = _same_shape(nn.SoftMarginLoss)
hinge_embedding = _same_shape(nn.HingeEmbeddingLoss)
margin_ranking = _same_shape(nn.MarginRankingLoss, ("output", "second_output", "target"))
bce_with_logits = _same_shape(nn.BCEWithLogitsLoss)
multi_label_soft_margin = _same_shape(nn.MultiLabelSoftMarginLoss)


class TargetWeights(nn.Module):
    """The sum of the weights of the targets that are not ignored: the divisor of torch's mean of class losses."""

    weight: Tensor | None

    def __init__(self, weight: Tensor | None, ignore_index: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.ignore_index = ignore_index

    def forward(self, target: Tensor) -> Tensor:
        """Return the divisor for class indices of any shape, or for class probabilities [batch, classes, ...]."""
        if target.is_floating_point():
            return target.new_tensor(target.numel() // target.shape[1], dtype=torch.float32)
        counts = target.ne(self.ignore_index)
        if self.weight is None:
            return counts.sum(dtype=torch.float32)
        # ignore_index need not be a class, so it is replaced before the look-up
        return (self.weight[torch.where(counts, target, 0)] * counts).sum()


class _BCE(nn.BCELoss):
    """torch's binary cross entropy in full precision, because autocast does not support it."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(_precise(input), _precise(target))


bce = _same_shape(_BCE)


class CTC(nn.Module):
    """torch's CTC loss for outputs [batch, time, classes] in which all time steps are used."""

    def __init__(self, blank: int, reduction: str, zero_infinity: bool) -> None:
        super().__init__()
        self.loss = nn.CTCLoss(blank, reduction, zero_infinity)

    def forward(self, output: Tensor, target: Tensor, target_length: Tensor) -> Tensor:
        """Return the loss, computed in full precision."""
        batch, time, _ = output.shape
        lengths = torch.full((batch,), time, dtype=torch.int64)  # on the CPU, where torch reads it
        found: Tensor = self.loss(_precise(output).transpose(0, 1), target, lengths, target_length)
        return found


class AdaptiveLogSoftmax(nn.AdaptiveLogSoftmaxWithLoss):
    """torch's adaptive softmax, returning the loss alone, in full precision: autocast mixes its dtypes."""

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float, head_bias: bool
    ) -> None:
        super().__init__(in_features, n_classes, list(cutoffs), div_value, head_bias)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]  # torch returns a pair
        """Return the loss without the log-probabilities of the targets."""
        with torch.autocast(output.device.type, enabled=False):
            found: Tensor = super().forward(_precise(output), target).loss
        return found
