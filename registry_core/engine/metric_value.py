"""The value of a metric at the end of an evaluation: one number."""

from __future__ import annotations

from typing import Any

import torch

from registry_core.diagnostics import InvalidParameters


def one_number(value: Any, name: str, place: int) -> float:
    """The number that the metric at this place of the file computed; InvalidParameters for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        is_tensor = isinstance(value, torch.Tensor)
        found = f"{' x '.join(map(str, value.shape))} values" if is_tensor else f"a {type(value).__name__}"
        message = f"The metric {name!r} returned {found}, but a run records one number."
        remedy = "Use a metric of one number, or an average of it."
        raise InvalidParameters(message, remedy).at("metrics", place, code="component-failed") from None
