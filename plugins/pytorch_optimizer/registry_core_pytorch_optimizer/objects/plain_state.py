"""Optimizer state as tensors and plain data, without loss, where pytorch_optimizer keeps other things in it.

A checkpoint holds tensors and plain data. What is neither becomes a dictionary with one key that names what it was: a
queue, a number format, or a projector of GaLore. So does a tensor that does not lie in memory as a new one would: sums
over rows and over columns are taken in other orders, and a resumed run would have other last digits.
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
    """Put before an optimizer's class: its ``state_dict`` is plain, and is read back as it was."""

    def state_dict(self) -> dict[str, Any]:
        """The state in tensors and plain data."""
        found: dict[str, Any] = to_plain(super().state_dict())  # type: ignore[misc]  # the class behind has it
        return found

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go back to a state."""
        super().load_state_dict(from_plain(state_dict))  # type: ignore[misc]  # the class behind has it


def with_plain_state(made: type[Optimizer]) -> type[Optimizer]:
    """The same class with plain state; it keeps its name."""
    return type(made.__name__, (PlainState, made), {"__module__": made.__module__, "__doc__": made.__doc__})


def to_plain(value: Any) -> Any:
    """Tensors and plain data for a state."""
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
    """The state that ``to_plain`` made plain."""
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
    """The tensor, or how a contiguous one is permuted to get it."""
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
