"""Transforms of a sample's target; a sample without one, as in prediction, does not change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from registry_core.diagnostics import DataError


class OneHot:
    """Converts a class index to a one-hot vector, mixed with ``smoothing`` of the uniform distribution."""

    def __init__(self, num_classes: int, smoothing: float) -> None:
        self.num_classes = num_classes
        self.smoothing = smoothing

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sample with the vector as its target."""
        if "target" not in sample:
            return dict(sample)
        label = int(sample["target"])
        if not 0 <= label < self.num_classes:
            outside = f"the label {label} is outside the classes 0 to {self.num_classes - 1}"
            raise DataError(f"one_hot: {outside}.", "Correct the label or num_classes.")
        vector = torch.zeros(self.num_classes)
        vector[label] = 1.0 - self.smoothing
        return {**sample, "target": vector + self.smoothing / self.num_classes}


class Signs:
    """Converts 0 to -1 and keeps 1."""

    def __call__(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sample with signs as its target."""
        if "target" not in sample:
            return dict(sample)
        target = torch.as_tensor(sample["target"])
        if not ((target == 0) | (target == 1)).all():
            message = f"signs: the target {target.tolist()} contains values other than 0 and 1."
            raise DataError(message, "Put one_hot before signs.")
        return {**sample, "target": target.to(torch.float32) * 2 - 1}
