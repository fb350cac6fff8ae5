"""Loader processes: they end with the run and never before it, and what ends one is a sentence."""

from __future__ import annotations

import atexit
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torch.utils.data._utils import signal_handling
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from registry_core.assembly.data.packing import ENLARGE, PackedBatch
from registry_core.assembly.torch_errors import SHARED_MEMORY, is_out_of_shared_memory
from registry_core.config.models import Section
from registry_core.diagnostics import RegistryError, RunError
from registry_core.diagnostics.sentences import describe_error
from registry_core.registry.child_process import end_with_parent, leave_signals_to_parent, stop_signals_blocked

_LOOK = 0.1
"""Seconds between two looks at the processes and at the request to stop, while a batch is awaited."""
_SECONDS = 5.0
"""Time that the end of a process may take to show after its connections broke."""
_PATIENCE = 1.0
"""Seconds for the processes to end by themselves, before they are killed."""


class LoadingStopped(Exception):
    """The run was asked to stop, so the next batch is not wanted."""


class Workers:
    """The loader processes of a section, which are kept between epochs, until ``close``."""

    def __init__(
        self,
        source: Dataset[Any],
        requests: Sampler[Any],
        section: Section,
        *,
        workers: int,
        pin_memory: bool,
        is_stopped: Callable[[], bool],
    ) -> None:
        """``is_stopped`` is asked again and again while a batch is awaited."""
        self.section = section
        self._loader = _Loader(
            source,
            sampler=requests,
            batch_size=None,
            num_workers=workers,
            collate_fn=_unchanged,
            pin_memory=pin_memory,
            persistent_workers=True,
            worker_init_fn=_begin,
            generator=torch.Generator(),  # its own: the global one belongs to the model
        )
        self._loader.is_stopped = is_stopped
        self._iterator: Any = None
        self._processes: list[BaseProcess] = []
        self._at_exit = partial(_kill, self._processes)

    def __iter__(self) -> Iterator[Any]:
        """The results of the processes for one epoch; RunError if one ends or something cannot be received."""
        try:
            batches = self._started() if self._iterator is None else iter(self._loader)
            while True:
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                yield batch
        except (RegistryError, LoadingStopped):
            raise
        except Exception as error:  # torch raises RuntimeError, a broken connection OSError, an object anything
            fault = self._fault(error)
            _kill(self._processes)
            raise fault from error

    def close(self) -> None:
        """End the processes; kill those that do not end by themselves in time."""
        if self._iterator is not None:  # torch may wait for ever for a lock that a killed process has
            ending = threading.Thread(target=_shut_down, args=(self._iterator,), daemon=True)
            ending.start()
            ending.join(_PATIENCE)
        _kill(self._processes)
        atexit.unregister(self._at_exit)

    def _started(self) -> Iterator[Any]:
        """The iterator of torch, which starts the processes; RunError if they cannot start.

        torch would also install a handler of SIGCHLD that raises wherever the program is when a process ends, such as
        inside the model. The end of a process shows when its batch is awaited.
        """
        before = set(multiprocessing.active_children())
        handled, signal_handling._SIGCHLD_handler_set = signal_handling._SIGCHLD_handler_set, True
        atexit.register(self._at_exit)  # Python would wait for them at its end
        try:
            with stop_signals_blocked():
                self._iterator = iter(self._loader)
        except RegistryError:  # of the sampler, which torch calls in this process
            raise
        except Exception as error:  # of the operating system: processes, threads, memory, semaphores
            raise self._not_started(error) from error
        finally:
            signal_handling._SIGCHLD_handler_set = handled
            if self._iterator is None:
                self._processes += [process for process in multiprocessing.active_children() if process not in before]
                self.close()
            else:  # those that have ended already, too
                self._processes += self._iterator._workers
        return self._iterator  # type: ignore[no-any-return]  # an iterator of torch

    def _not_started(self, error: Exception) -> RunError:
        if is_out_of_shared_memory(error):
            return RunError(f"No loader process can start: the shared memory is full ({SHARED_MEMORY}).", ENLARGE)
        number = self._loader.num_workers
        processes = "loader process" if number == 1 else f"{number} loader processes"
        message = f"The {processes} of data.{self.section} cannot start: {describe_error(error)}."
        return RunError(message, "Use fewer workers or data.workers: 0.").at("data", "workers")

    def _fault(self, error: Exception) -> RunError:
        code = self._exit_code()
        if code is None:
            message = f"A batch of data.{self.section} cannot be received from a loader process"
            return RunError(f"{message}: {describe_error(error)}.", "Use fewer workers or data.workers: 0.")
        what = f"A loader process of data.{self.section} ended"
        if code >= 0:
            remedy = "Set data.workers to 0, so that what ended it ends the run visibly."
            return RunError(f"{what} with exit code {code}.", remedy)
        name = signal.Signals(-code).name
        if -code == getattr(signal, "SIGBUS", None):
            return RunError(f"{what} by {name}, as it does where the shared memory is full ({SHARED_MEMORY}).", ENLARGE)
        if name == "SIGKILL":
            remedy = "Use fewer workers, a smaller batch_size, or data.workers: 0."
            return RunError(f"{what} by {name}, as it does where the memory is full.", remedy)
        return RunError(f"{what} by {name}.", "Set data.workers to 0 to see which sample ends it.")

    def _exit_code(self) -> int | None:
        """The exit code of a process that has ended, or does so now; None if none did."""
        ended = wait([process.sentinel for process in self._processes], _SECONDS) if self._processes else []
        for process in self._processes:
            if process.sentinel in ended:  # it closes a moment before the exit code can be read
                process.join(_SECONDS)
        codes = [process.exitcode for process in self._processes if process.exitcode is not None]
        return min(codes, default=None)  # a signal before an exit


class _Loader(DataLoader[Any]):
    """The loader of torch with an iterator that can be stopped."""

    is_stopped: Callable[[], bool]

    def _get_iterator(self) -> Any:
        self.check_worker_number_rationality()
        return _Iterator(self)


class _Iterator(_MultiProcessingDataLoaderIter):
    """The iterator of torch, which looks more often after the processes, and can be stopped while it waits."""

    def __init__(self, loader: _Loader) -> None:
        self._is_stopped = loader.is_stopped
        try:
            super().__init__(loader)
        except BaseException:
            self._shutdown = True  # half made, it would fail again in its destructor, which prints a traceback
            raise
        # Where another loader of torch installed its handler, it would raise wherever the program is, see `_started`.
        signal_handling._remove_worker_pids(id(self))  # type: ignore[attr-defined]  # torch has it for itself
        self._worker_pids_set = False

    def _try_get_data(self, timeout: float = _LOOK) -> tuple[bool, Any]:
        if self._is_stopped():
            raise LoadingStopped
        is_there, found = super()._try_get_data(_LOOK)  # type: ignore[no-untyped-call]  # torch has no types
        # Unpacked while the process, which has to send its tensors, is idle: torch requests the next batch after this.
        if is_there and isinstance(found[1], PackedBatch):
            found = (found[0], found[1].unpacked())
        return is_there, found


def _begin(_: int) -> None:
    """Prepare a new process."""
    leave_signals_to_parent()
    end_with_parent()


def _unchanged(batch: Any) -> Any:
    return batch


def _shut_down(iterator: _Iterator) -> None:
    with suppress(Exception):  # the processes are killed afterwards
        iterator._shutdown_workers()


def _kill(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.join(_PATIENCE)
