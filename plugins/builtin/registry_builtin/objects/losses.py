"""Losses as torch modules, where torch's own need something around them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn


def of_one_shape(values: Sequence[Tensor], names: Sequence[str] = ("output", "target")) -> list[Tensor]:
    """The values, those of one dimension too many and 1 at its end without it; ValueError if shapes still differ."""
    dimensions = min(value.ndim for value in values)
    fitted = [value.squeeze(-1) if value.ndim == dimensions + 1 else value for value in values]
    if any(value.shape != fitted[0].shape for value in fitted):
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in zip(names, values, strict=True))
        raise ValueError(f"these have different shapes: {shapes}. One number for each is needed")
    return fitted


def _precise(values: Tensor) -> Tensor:
    """The values in single precision, or in double precision if they are that already."""
    return values if values.dtype == torch.float64 else values.float()


class SameShape(nn.Module):
    """A loss of numbers with numbers that refuses to broadcast: outputs [batch, 1] are taken as [batch].

    The first ``count`` arguments must have the shape of the last of them, once a trailing dimension of 1 is dropped.
    """

    def __init__(self, loss: nn.Module, names: Sequence[str] = ("output", "target")) -> None:
        super().__init__()
        self.loss = loss
        self.names = names

    def forward(self, *values: Tensor) -> Tensor:
        """The loss of values of one shape."""
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


class _BCE(nn.BCELoss):
    """torch's binary cross entropy, in full precision: autocast refuses it."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(_precise(input), _precise(target))


bce = _same_shape(_BCE)


class CTC(nn.Module):
    """torch's CTC loss for outputs [batch, time, classes], all of whose time steps count."""

    def __init__(self, blank: int, reduction: str, zero_infinity: bool) -> None:
        super().__init__()
        self.loss = nn.CTCLoss(blank, reduction, zero_infinity)

    def forward(self, output: Tensor, target: Tensor, target_length: Tensor) -> Tensor:
        """The loss, in full precision."""
        batch, time, _ = output.shape
        lengths = torch.full((batch,), time, dtype=torch.int64)  # on the CPU, where torch reads it
        found: Tensor = self.loss(_precise(output).transpose(0, 1), target, lengths, target_length)
        return found


class AdaptiveLogSoftmax(nn.AdaptiveLogSoftmaxWithLoss):
    """torch's adaptive softmax, as a loss alone, in full precision: under autocast its parts differ in type."""

    def __init__(
        self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float, head_bias: bool
    ) -> None:
        super().__init__(in_features, n_classes, list(cutoffs), div_value, head_bias)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]  # torch returns a pair
        """The loss, without the log-probabilities of the targets."""
        with torch.autocast(output.device.type, enabled=False):
            found: Tensor = super().forward(_precise(output), target).loss
        return found
