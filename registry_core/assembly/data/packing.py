"""Batches on their way from a loader process: packed into one small message, which a pipe takes whole or not at all.

torch pickles batches in a thread of the queue, which drops one that fails, and reads them in a thread that ends at an
error, or waits for ever for the rest of one whose process was killed. Packed by the process itself, they cannot fail
there.
"""

from __future__ import annotations

import pickle
import select
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from torch import Tensor
from torch.utils.data._utils.pin_memory import pin_memory

from registry_core.assembly.torch_errors import SHARED_MEMORY, is_out_of_shared_memory
from registry_core.config.models import Section
from registry_core.diagnostics import RunError
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.diagnostics.sentences import describe_error

ENLARGE = "Enlarge it, in Docker with --shm-size=8g or --ipc=host, or set data.workers to 0."

_SMALL = getattr(select, "PIPE_BUF", 4096) // 2
"""Bytes of a message that fits into a pipe in one piece, with what multiprocessing adds to it."""


@dataclass(frozen=True)
class PackedBatch:
    """A pickled batch whose tensors are in shared memory; the bytes of a large one are a tensor there too."""

    data: bytes
    is_tensor: bool

    @classmethod
    def of(cls, batch: object, section: Section) -> PackedBatch:
        """Pack a batch; RunError if it cannot be sent."""
        try:
            data = bytes(_Packer.dumps(batch))
            if len(data) <= _SMALL:
                return cls(data, is_tensor=False)
            return cls(bytes(_Packer.dumps(torch.frombuffer(bytearray(data), dtype=torch.uint8))), is_tensor=True)
        except BaseException as error:  # torch raises several types, and objects of a plugin any
            pass_interrupt(error)
            message = f"A loader process cannot send a batch of data.{section}: "
            if is_out_of_shared_memory(error):
                raise RunError(f"{message}the shared memory is full ({SHARED_MEMORY}).", ENLARGE) from error
            remedy = "Return entries that can be pickled, such as tensors, or set data.workers to 0."
            raise RunError(f"{message}{describe_error(error)}.", remedy).at("data", section, "dataset") from error

    def unpacked(self) -> Any:
        """The batch; raises anything if its process has ended, or an object in it cannot be read."""
        found = pickle.loads(self.data)
        return pickle.loads(found.numpy()) if self.is_tensor else found

    def pin_memory(self) -> Any:
        """The batch with page-locked tensors, which the thread of torch asks for."""
        return pin_memory(self.unpacked())  # type: ignore[no-untyped-call]  # torch does not annotate it


class _Packer(ForkingPickler):
    """Pickles as the queue does: tensors are moved to shared memory."""

    def reducer_override(self, value: Any) -> Any:
        """Refuse what torch could send, but without its gradients."""
        if isinstance(value, Tensor) and value.requires_grad and not value.is_leaf:
            raise ValueError("a tensor has gradients: return it after detach()")
        return NotImplemented
