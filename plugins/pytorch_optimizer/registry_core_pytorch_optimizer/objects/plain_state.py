"""Lossless conversion of the optimizer state of pytorch_optimizer to tensors and plain data.

A checkpoint contains only tensors and plain data. Other objects become a dictionary with one key that names their type:
a queue, a dtype, or a GaLore projector. So does a tensor with non-default strides: otherwise sums over rows and columns
would be computed in another order, and the last digits of a resumed run would differ.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from pytorch_optimizer.optimizer.utils.galore import GaLoreProjector
from torch.optim import Optimizer

_MARK = "registry_core:"


class PlainState:
    """Mixin for an optimizer class: converts its ``state_dict`` to plain data and back."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as tensors and plain data."""
        found: dict[str, Any] = to_plain(super().state_dict())  # type: ignore[misc]  # defined by the next class
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state."""
        super().load_state_dict(from_plain(state_dict))  # type: ignore[misc]  # defined by the next class


def with_plain_state(made: type[Optimizer]) -> type[Optimizer]:
    """Return the class with plain state, under the same name."""
    return type(made.__name__, (PlainState, made), {"__module__": made.__module__, "__doc__": made.__doc__})


def to_plain(value: Any) -> Any:
    """Convert a state to tensors and plain data."""
    if isinstance(value, torch.Tensor):
        return _plain_tensor(value)
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, deque):
        return {f"{_MARK}deque": [list(map(to_plain, value)), value.maxlen]}
    if type(value) in (list, tuple):
        return type(value)(map(to_plain, value))
    if isinstance(value, torch.dtype):
        return {f"{_MARK}dtype": str(value).removeprefix("torch.")}
    if isinstance(value, GaLoreProjector):
        return {f"{_MARK}projector": {key: to_plain(item) for key, item in vars(value).items()}}
    return value


def from_plain(value: Any) -> Any:
    """Restore the state that ``to_plain`` converted."""
    if type(value) in (list, tuple):
        return type(value)(map(from_plain, value))
    if not isinstance(value, dict):
        return value
    items = {key: from_plain(item) for key, item in value.items()}
    if len(items) == 1:
        ((key, item),) = items.items()
        if isinstance(key, str) and key.startswith(_MARK):
            return _READERS[key.removeprefix(_MARK)](item)
    return items


def _plain_tensor(tensor: torch.Tensor) -> Any:
    """Return the tensor, or a contiguous one and the permutation that restores it."""
    if tensor.layout != torch.strided or tensor.is_contiguous():
        return tensor
    strides = tensor.stride()
    order = sorted(range(tensor.ndim), key=lambda dimension: -strides[dimension])
    permuted = tensor.permute(order)
    return {f"{_MARK}permuted": [permuted, order]} if permuted.is_contiguous() else tensor


def _permuted(parts: list[Any]) -> torch.Tensor:
    tensor, order = parts
    back: torch.Tensor = tensor.permute([order.index(dimension) for dimension in range(len(order))])
    return back


def _projector(attributes: dict[str, Any]) -> GaLoreProjector:
    projector = GaLoreProjector()
    vars(projector).update(attributes)
    return projector


_READERS: dict[str, Callable[[Any], Any]] = {
    "deque": lambda parts: deque(parts[0], maxlen=parts[1]),
    "dtype": lambda name: getattr(torch, name),
    "permuted": _permuted,
    "projector": _projector,
}
