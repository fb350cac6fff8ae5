"""The memory of tensors, and the memory that autograd saves in a forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import torch
from torch.autograd.graph import saved_tensors_hooks

Storages = dict[int, int]
"""The bytes of each storage by its address: views of one storage count once, also on the meta device."""


def storages(tensors: Iterable[torch.Tensor]) -> Storages:
    """The storages of these tensors."""
    return {storage._cdata: storage.nbytes() for tensor in tensors for storage in _under(tensor)}


def _under(tensor: torch.Tensor) -> Iterator[torch.UntypedStorage]:
    for part in _dense(tensor):
        if part.layout == torch.strided:  # other layouts do not expose their memory
            yield part.untyped_storage()


def tensors_in(tree: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested mappings and sequences."""
    if isinstance(tree, torch.Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from tensors_in(value)
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from tensors_in(value)


def stored_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """The bytes of these tensors in a file, without shared memory."""
    return sum(part.numel() * part.element_size() for tensor in tensors for part in _dense(tensor))


def _dense(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    if tensor.layout == torch.sparse_coo:
        yield tensor._indices()
        yield tensor._values()
    else:
        yield tensor


def written_bytes(count: int) -> str:
    """A number of bytes as text: ``1.5 MiB``."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{count:,} B" if unit == "B" else f"{size:,.1f} {unit}"


class KeptForBackward:
    """A context that counts the memory that autograd saves for backward passes; ``peak`` is the maximum.

    Storages in ``besides`` (parameters, the batch) exist anyway and are not counted. As without the context, a saved
    tensor that was changed in place is an error of the backward pass.
    """

    def __init__(self, *besides: Storages) -> None:
        self.besides = besides
        self.peak = 0
        self._now = 0
        self._uses: dict[int, int] = {}
        self._hooks = saved_tensors_hooks(lambda tensor: _Kept(tensor, self), _unchanged)

    def __enter__(self) -> Self:
        self._hooks.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hooks.__exit__(kind, error, trace)

    def take(self, found: Storages) -> None:
        """Add a reference to storages."""
        for address, size in found.items():
            uses = self._uses.get(address, 0)
            self._uses[address] = uses + 1
            self._now += size if uses == 0 else 0
        self.peak = max(self.peak, self._now)

    def release(self, found: Storages) -> None:
        """Remove a reference to storages."""
        for address, size in found.items():
            self._uses[address] -= 1
            if not self._uses[address]:
                del self._uses[address]
                self._now -= size


class _Kept:
    """A tensor that autograd saves; its storages are released with it."""

    def __init__(self, tensor: torch.Tensor, ledger: KeptForBackward) -> None:
        self.tensor = tensor.detach()
        self.version = tensor._version
        self.ledger = ledger
        found = storages([self.tensor]).items()
        self.storages = {at: size for at, size in found if not any(at in there for there in ledger.besides)}
        ledger.take(self.storages)

    def __del__(self) -> None:
        self.ledger.release(self.storages)


def _unchanged(kept: _Kept) -> torch.Tensor:
    if kept.tensor._version != kept.version:  # torch checks this itself only without saved-tensor hooks
        message = "one of the variables needed for gradient computation has been modified by an inplace operation"
        raise RuntimeError(f"{message}: a {kept.tensor.dtype} of shape {list(kept.tensor.shape)}")
    return kept.tensor
