"""Batches of a section from any position of any epoch, the same for any number of worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler, get_worker_info

from registry_core.assembly.data.executor import Executor, LoadedBatch, Request
from registry_core.assembly.data.packing import PackedBatch
from registry_core.assembly.data.skipping import SkippedTally, Skipper, WithoutFaulty
from registry_core.assembly.data.transforms import Sample
from registry_core.assembly.data.workers import LoadingStopped, Workers
from registry_core.components.sampler import Order
from registry_core.diagnostics import Keys, RegistryError
from registry_core.diagnostics.foreign_code import failure, foreign_code, pass_interrupt
from registry_core.planning.program import Skipping
from registry_core.registry.blame import origin_in

B = TypeVar("B", LoadedBatch, WithoutFaulty)


@dataclass(frozen=True)
class _Failure:
    """An error that a worker process returns: torch would wrap a raised one in a traceback."""

    kind: type[RegistryError]
    message: str
    remedy: str
    keys: Keys

    def error(self) -> RegistryError:
        return self.kind(self.message, self.remedy).at(*self.keys)


class _Batches(Dataset[Any]):
    """Loads batches on request; its result depends on the request alone."""

    def __init__(self, executor: Executor, skipper: Skipper | None) -> None:
        self.executor = executor
        self.skipper = skipper

    def __getitem__(self, request: Request) -> LoadedBatch | WithoutFaulty | PackedBatch | _Failure:
        try:
            return self._sendable(LoadedBatch(request, self.executor.load(request)))
        except RegistryError as error:
            failed = _Failure(type(error), error.message, error.remedy, error.keys)
        if self.skipper is None:
            return failed
        try:
            return self._sendable(self.skipper.load(request))
        except RegistryError as error:
            return _Failure(type(error), error.message, error.remedy, error.keys)

    def _sendable(self, found: B) -> B | PackedBatch:
        return found if get_worker_info() is None else PackedBatch.of(found, self.executor.section)


class _Requests(Sampler[Request]):
    """The requests of one epoch from one batch on; both are set before each iteration."""

    def __init__(self, make: Callable[[int, int], Iterator[Request]], length: int) -> None:
        self.make = make
        self.length = length
        self.epoch = 0
        self.start = 0

    def __iter__(self) -> Iterator[Request]:
        return self.make(self.epoch, self.start)

    def __len__(self) -> int:
        return self.length - self.start


@dataclass(frozen=True)
class Epochs:
    """The order of the samples of a section, and their division into batches."""

    order: Order
    seed: int
    samples: int
    """Samples in an epoch."""
    batch_size: int
    drop_last: bool

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.samples // self.batch_size if self.drop_last else -(-self.samples // self.batch_size)

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """The samples of an epoch in their order."""
        try:
            return np.asarray(self.order(self.seed, epoch))
        except BaseException as error:  # a plugin may raise anything
            pass_interrupt(error)
            raise failure(f"The sampler{origin_in(error)} failed in epoch {epoch}", error) from error

    def requests(self, epoch: int, start: int = 0) -> Iterator[Request]:
        """The requests of an epoch from batch ``start`` on."""
        indices = self.indices(epoch)
        with foreign_code(f"The sampler failed in epoch {epoch}"):  # what it returned may be no array of indices
            repeats = occurrences(indices)
        for batch in range(start, len(self)):
            chosen = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
            numbers = () if repeats is None else tuple(repeats[chosen].tolist())
            yield Request(epoch, batch, tuple(indices[chosen].tolist()), numbers)


def occurrences(indices: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The earlier occurrences of each index of an order [samples]; None if none occurs twice."""
    if not len(indices) or np.bincount(indices - indices.min()).max() == 1:  # the usual case, without a sort
        return None
    places = np.argsort(indices, kind="stable")
    ordered = indices[places]
    is_new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
    count = np.arange(len(indices), dtype=np.int64)
    found = np.empty_like(count)
    found[places] = count - np.maximum.accumulate(np.where(is_new, count, 0))
    return found


class Loader:
    """The loaded batches of one section; ``executor.on_device`` moves them to the device."""

    def __init__(
        self, executor: Executor, epochs: Epochs, skipping: Skipping | None, *, workers: int, pin_memory: bool
    ) -> None:
        self.executor = executor
        self.epochs = epochs
        self.workers = workers
        self.pin_memory = pin_memory
        self.skipped: SkippedTally | None = None
        """The samples that were skipped; None if the first faulty one ends the run."""
        self._skipper: Skipper | None = None
        if skipping is not None:
            length = len(executor.reader)
            self.skipped = SkippedTally(executor.section, skipping.limit(length), length)
            self._skipper = Skipper(executor, epochs.indices, self.skipped.limit, replaces=skipping.replaced)
        self._source = _Batches(executor, self._skipper)
        self._requests = _Requests(epochs.requests, len(epochs))
        self.is_stopped: Callable[[], bool] = _never
        """Asked before every batch, and while one is awaited from worker processes."""
        self._workers: Workers | None = None
        """It keeps its worker processes between epochs, until ``close``."""

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def samples(self) -> int:
        """Samples in an epoch."""
        return self.epochs.samples

    def batches(self, epoch: int, start: int = 0) -> Iterator[LoadedBatch]:
        """The batches of an epoch from batch ``start`` on; raises the first error that a sample has.

        Where faulty samples are left out, a batch may have fewer samples, or none. Raises LoadingStopped instead of the
        next batch, and of any error, once ``is_stopped``.
        """
        self._requests.epoch, self._requests.start = epoch, start
        batches = self._in_workers() if self.workers else self._in_process()
        while True:
            self._check_stop()
            try:
                batch = next(batches, None)
                if batch is not None and not isinstance(batch, LoadedBatch):
                    self._check_stop()  # the signal may have caused the fault, as in a program that the data set runs
                    batch = self._without_faulty(batch)
            except RegistryError:
                self._check_stop()
                raise
            if batch is None:
                return
            yield batch

    def _without_faulty(self, found: WithoutFaulty | _Failure) -> LoadedBatch:
        if isinstance(found, _Failure):
            raise found.error()
        assert self.skipped is not None
        self.skipped.add(found.skipped)
        return found.loaded

    def load(self, request: Request) -> LoadedBatch:
        """A batch to look at, loaded in this process; other samples take the place of faulty ones that are skipped."""
        try:
            return LoadedBatch(request, self.executor.load(request))
        except RegistryError:
            if self._skipper is None:
                raise
        return self._skipper.shown(request)

    def sample(self, index: int, epoch: int) -> Sample:
        """A sample to look at, as the model receives it in an epoch; the next one for a faulty one that is skipped."""
        try:
            return self.executor.sample(index, epoch)
        except RegistryError:
            if self._skipper is None:
                raise
        return self._skipper.sample(index, epoch)

    def _check_stop(self) -> None:
        if self.is_stopped():
            raise LoadingStopped

    def close(self) -> None:
        """End the worker processes; the next epoch starts new ones."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None

    def _in_workers(self) -> Iterator[Any]:
        if self._workers is None:
            self._workers = Workers(
                self._source,
                self._requests,
                self.executor.section,
                workers=self.workers,
                pin_memory=self.pin_memory,
                is_stopped=lambda: self.is_stopped(),
            )
        yield from self._workers

    def _in_process(self) -> Iterator[Any]:
        for request in self._requests:
            batch = self._source[request]
            if self.pin_memory and isinstance(batch, LoadedBatch):
                batch = _pinned(batch)
            yield batch


def _pinned(loaded: LoadedBatch) -> LoadedBatch:
    pinned = {
        name: value.pin_memory() if isinstance(value, torch.Tensor) else value for name, value in loaded.entries.items()
    }
    return loaded._replace(entries=pinned)


def _never() -> bool:
    return False
