"""Loader processes: a batch that one cannot send is an error, and so is the end of a process."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from registry_core.assembly.torch_errors import SHARED_MEMORY, is_out_of_shared_memory
from registry_core.config.models import Section
from registry_core.diagnostics import RegistryError, RunError
from registry_core.diagnostics.sentences import describe_error

_ENLARGE = "Enlarge it, in Docker with --shm-size=8g or --ipc=host, or set data.workers to 0."
_SECONDS = 5.0
"""Time that the end of a process may take to show after its connections broke."""


def prepare(batch: object, section: Section) -> None:
    """Move the tensors of a batch to shared memory, and try to pickle the rest; RunError if it cannot be sent.

    torch does both in a thread of the queue, which drops a batch that fails: the run would wait for it for ever.
    """
    try:
        _Rehearsal(_Nowhere()).dump(batch)
    except (Exception, SystemExit) as error:  # torch raises several types, and objects of a plugin any
        message = f"A loader process cannot send a batch of data.{section}: "
        if is_out_of_shared_memory(error):
            raise RunError(f"{message}the shared memory is full ({SHARED_MEMORY}).", _ENLARGE) from error
        remedy = "Return entries that can be pickled, such as tensors, or set data.workers to 0."
        raise RunError(f"{message}{describe_error(error)}.", remedy).at("data", section, "dataset") from error


class _Nowhere:
    """A file that discards what is written."""

    def write(self, data: Any) -> int:
        """Discard the data."""
        return len(data)


class _Rehearsal(ForkingPickler):
    """Pickles as the queue will, without the values of tensors and arrays."""

    def reducer_override(self, value: Any) -> Any:
        """Share a tensor, skip an array, and leave all else to the pickler."""
        if isinstance(value, Tensor):
            _share(value)
            return int, ()
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            return int, ()
        return NotImplemented


def _share(value: Tensor) -> None:
    if value.requires_grad and not value.is_leaf:
        raise ValueError("a tensor has gradients: return it after detach()")
    plain = value.as_subclass(Tensor)
    if plain.layout is torch.sparse_coo:
        _share(plain._indices())
        _share(plain._values())
    elif plain.device.type == "cpu" and plain.layout is torch.strided and not plain.is_nested:
        plain.share_memory_()  # type: ignore[no-untyped-call]  # torch does not annotate it


class Workers:
    """The loader processes of a section, which are kept between epochs."""

    def __init__(self, loader: DataLoader[Any], section: Section) -> None:
        self.loader = loader
        self.section = section
        self._processes: list[BaseProcess] = []

    def __iter__(self) -> Iterator[Any]:
        """The results of the processes for one epoch; RunError if one ends or something cannot be received."""
        try:
            batches = self._started()
            while True:
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                yield batch
        except RegistryError:  # of the sampler, which torch calls in this process
            raise
        except Exception as error:  # torch raises RuntimeError, a broken connection OSError, an object anything
            fault = self._fault(error)
            self._end()
            raise fault from error

    def _started(self) -> Iterator[Any]:
        """The iterator of torch, which starts the processes in the first epoch.

        torch also installs a signal handler that raises wherever the program is when a process ends, such as inside the
        model. The one before is restored: the end of a process shows when its batch is waited for.
        """
        handles = hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread()
        handler = signal.getsignal(signal.SIGCHLD) if handles else None
        before = set(multiprocessing.active_children())
        try:
            return iter(self.loader)
        finally:
            self._processes += [process for process in multiprocessing.active_children() if process not in before]
            if handler is not None:
                signal.signal(signal.SIGCHLD, handler)

    def _fault(self, error: Exception) -> RunError:
        code = self._exit_code()
        if code == 0:
            return self._not_received(error)
        what = f"A loader process of data.{self.section} ended"
        if code > 0:
            remedy = "Set data.workers to 0, so that what ended it ends the run visibly."
            return RunError(f"{what} with exit code {code}.", remedy)
        name = signal.Signals(-code).name
        if -code == getattr(signal, "SIGBUS", None):
            return RunError(
                f"{what} by {name}, as it does where the shared memory is full ({SHARED_MEMORY}).", _ENLARGE
            )
        if name == "SIGKILL":
            remedy = "Use fewer workers, a smaller batch_size, or data.workers: 0."
            return RunError(f"{what} by {name}, as it does where the memory is full.", remedy)
        return RunError(f"{what} by {name}.", "Set data.workers to 0 to see which sample ends it.")

    def _exit_code(self) -> int:
        """The exit code of the first process that failed, or does so now; 0 if none did."""
        ended = wait([process.sentinel for process in self._processes], _SECONDS) if self._processes else []
        for process in self._processes:
            if process.sentinel in ended:  # it closes a moment before the exit code can be read
                process.join(_SECONDS)
        return next((process.exitcode for process in self._processes if process.exitcode), 0)

    def _not_received(self, error: Exception) -> RunError:
        if is_out_of_shared_memory(error):
            return RunError(f"No loader process can start: the shared memory is full ({SHARED_MEMORY}).", _ENLARGE)
        message = f"A batch of data.{self.section} cannot be received from a loader process: {describe_error(error)}."
        return RunError(message, "Use fewer workers or data.workers: 0.")

    def _end(self) -> None:
        """End processes that may wait for one that is gone."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
