"""Batches of a section, from any position of any epoch, the same for any number of worker processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from registry_core.assembly.data.samples import (
    Batch,
    BatchTransforms,
    Sample,
    SampleTransforms,
    as_sample,
    check_class,
    collate,
)
from registry_core.components.sampler import Order
from registry_core.diagnostics import BrokenComponent, RegistryError, RunError


@dataclass(frozen=True)
class Request:
    """The samples of one batch, its number in the epoch, and the epoch."""

    epoch: int
    batch: int
    indices: tuple[int, ...]


@dataclass(frozen=True)
class _Failure:
    """An error on its way from a worker process: torch would wrap it in a traceback."""

    kind: type[RegistryError]
    message: str


class BatchSource(Dataset[Any]):
    """Makes batches on request; what it gives depends on the request alone."""

    def __init__(
        self,
        dataset: Any,
        transforms: SampleTransforms,
        section: str,
        name: str,
        classes: int | None,
        batch_transforms: BatchTransforms,
    ) -> None:
        self.dataset = dataset
        self.transforms = transforms
        self.batch_transforms = batch_transforms
        self.section = section
        self.name = name
        self.classes = classes

    def __getitem__(self, request: Request) -> Batch | _Failure:
        try:
            return self.batch_transforms(self.collated(request), request.epoch, request.batch)
        except RegistryError as error:
            return _Failure(type(error), str(error))

    def collated(self, request: Request) -> Batch:
        """The batch before the batch transforms; the views of a sample stand one after the other."""
        views = [view for index in request.indices for view in self.views(request.epoch, index)]
        return collate(views, self.section)

    def sample(self, epoch: int, index: int) -> Sample:
        """One sample as the model will see it in this epoch; of several views the first."""
        return self.views(epoch, index)[0]

    def views(self, epoch: int, index: int) -> list[Sample]:
        """All views of a sample as the model will see them in this epoch; mostly there is one."""
        return self.transforms.all_views(self.read(index), epoch, index)

    def read(self, index: int) -> Sample:
        """A sample as the data set has it."""
        try:
            found = self.dataset[index]
        except RegistryError:
            raise
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            reason = f"{type(error).__name__}: {error}"
            raise BrokenComponent(f"The dataset {self.name!r} failed on sample {index}: {reason}.") from error
        sample = as_sample(found, self.name, index)
        check_class(sample, self.classes, self.section, index, self.dataset)
        return sample


class _Requests(Sampler[Request]):
    """The requests of one epoch from one batch on; told which before each iteration."""

    def __init__(self, make: Callable[[int, int], Iterator[Request]], length: int) -> None:
        self.make = make
        self.length = length
        self.epoch = 0
        self.start = 0

    def __iter__(self) -> Iterator[Request]:
        return self.make(self.epoch, self.start)

    def __len__(self) -> int:
        return self.length - self.start


class Loader:
    """The batches of one section."""

    def __init__(
        self,
        source: BatchSource,
        order: Order,
        device_transforms: BatchTransforms,
        *,
        seed: int,
        samples: int,
        batch_size: int,
        drop_last: bool,
        workers: int,
        pin_memory: bool,
    ) -> None:
        self.source = source
        self.order = order
        self.device_transforms = device_transforms
        """The last of the batch transforms: those for batches that are on the device."""
        self.seed = seed
        self.samples = samples
        self.batch_size = batch_size
        self.views = source.transforms.views
        """Views of each sample, all of them in the same batch, one after the other."""
        self.length = samples // batch_size if drop_last else -(-samples // batch_size)
        self.pin_memory = pin_memory
        self.workers = workers
        self._requests = _Requests(self.requests, self.length)
        self._loader: DataLoader[Any] | None = None
        """It keeps its worker processes from epoch to epoch, until ``close``."""

    def __len__(self) -> int:
        return self.length

    def samples_in(self, batch: int) -> int:
        """How many samples the batch of this number has."""
        return min(self.batch_size, self.samples - batch * self.batch_size)

    def requests(self, epoch: int, start: int) -> Iterator[Request]:
        """The requests of an epoch from batch ``start`` on."""
        indices = np.asarray(self.order(self.seed, epoch))
        for batch in range(start, self.length):
            chosen = indices[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield Request(epoch, batch, tuple(chosen.tolist()))

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch ``start`` on; raises the first error that a sample has."""
        self._requests.epoch, self._requests.start = epoch, start
        for batch in self._in_workers() if self.workers else self._in_process():
            if isinstance(batch, _Failure):
                raise batch.kind(batch.message)
            yield batch

    def close(self) -> None:
        """End the worker processes, which at the end of Python would be killed; the next epoch starts new ones."""
        self._loader = None

    def _in_workers(self) -> Iterator[Any]:
        if self._loader is None:
            self._loader = DataLoader(
                self.source,
                sampler=self._requests,
                batch_size=None,
                num_workers=self.workers,
                collate_fn=_unchanged,
                pin_memory=self.pin_memory,
                persistent_workers=True,
                worker_init_fn=_leave_signals_to_the_parent,
                generator=torch.Generator(),  # its own: the global one belongs to the model
            )
        batches = iter(self._loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except RuntimeError as error:  # how torch says that a process died
                raise RunError(f"A loader process ended: {error}. Try fewer workers, or data.workers: 0.") from error
            yield batch

    def _in_process(self) -> Iterator[Any]:
        for request in self._requests:
            batch = self.source[request]
            if self.pin_memory and not isinstance(batch, _Failure):
                batch = {k: v.pin_memory() if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
            yield batch


def _unchanged(batch: Any) -> Any:
    return batch


def _leave_signals_to_the_parent(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
