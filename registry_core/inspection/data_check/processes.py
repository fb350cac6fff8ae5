"""Read all samples in processes, in order, with few of them in memory, and survive a process that dies."""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice

import torch

from registry_core.inspection.data_check.faults import Fault
from registry_core.inspection.data_check.sample import NO_DIGEST, ImageKind, SampleReader
from registry_core.registry.child_process import end_with_parent, leave_signals_to_parent

CHUNK = 32
"""Samples in one request."""
NO_LABEL = -(2**63)


@dataclass(frozen=True)
class Request:
    """Samples from ``start`` to ``stop`` (exclusive) of the section with this index."""

    section: int
    start: int
    stop: int


@dataclass
class Chunk:
    """The findings about the samples of a request."""

    request: Request
    faults: list[Fault] = field(default_factory=list)
    digests: bytes = b""
    labels: list[int] = field(default_factory=list)
    """The class of each sample, or NO_LABEL."""
    images: dict[ImageKind, list[int]] = field(default_factory=dict)
    """The samples with each kind of images."""
    stored: Counter[str] = field(default_factory=Counter)


_readers: Sequence[SampleReader] = ()
"""The readers of a worker process."""


def read_all(readers: Sequence[SampleReader], workers: int) -> Iterator[Chunk]:
    """The findings about all samples of all readers, in order, from this number of processes.

    If a process dies, its samples are read again, in separate processes, until the one that kills it is found.
    """
    requests = iter(list(_requests(readers)))
    waiting: deque[tuple[Request, Future[Chunk]]] = deque()
    pool = _pool(readers, workers)
    try:
        while True:
            for request in islice(requests, 2 * workers + 2 - len(waiting)):
                waiting.append((request, pool.submit(_read, request)))
            if not waiting:
                return
            try:
                chunk = waiting[0][1].result()
            except BrokenProcessPool:
                pool.shutdown(wait=True, cancel_futures=True)
                for request, future in waiting:
                    yield future.result() if _succeeded(future) else _read_alone(readers, request)
                waiting.clear()
                pool = _pool(readers, workers)
                continue
            waiting.popleft()
            yield chunk
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def processes_for(workers: int, samples: int) -> int:
    """The number of processes: that of the pipeline's loaders, else one per CPU; fewer for few samples."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(workers or usable, -(-samples // CHUNK)))


def _requests(readers: Sequence[SampleReader]) -> Iterator[Request]:
    for section, reader in enumerate(readers):
        length = len(reader.dataset)
        for start in range(0, length, CHUNK):
            yield Request(section, start, min(start + CHUNK, length))


def _pool(readers: Sequence[SampleReader], workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, initializer=_start, initargs=(readers,))


def _start(readers: Sequence[SampleReader]) -> None:
    global _readers
    _readers = readers
    leave_signals_to_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the executor ends processes by it when one of them has died
    end_with_parent()
    torch.set_num_threads(1)


def _read(request: Request) -> Chunk:
    return read_chunk(_readers[request.section], request)


def read_chunk(reader: SampleReader, request: Request) -> Chunk:
    """Read the samples of a request in order."""
    chunk = Chunk(request)
    digests = bytearray()
    for index in range(request.start, request.stop):
        seen = reader.read(index)
        chunk.faults += seen.faults
        digests += seen.digest
        in_range = seen.label is not None and abs(seen.label) < 2**63
        chunk.labels.append(seen.label if seen.label is not None and in_range else NO_LABEL)
        if seen.image is not None:
            chunk.images.setdefault(seen.image, []).append(index)
        if seen.stored:
            chunk.stored[seen.stored] += 1
    chunk.digests = bytes(digests)
    return chunk


def _succeeded(future: Future[Chunk]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _read_alone(readers: Sequence[SampleReader], request: Request) -> Chunk:
    """Read a request in a separate process; halve it while the process dies, down to the sample that kills it."""
    with ProcessPoolExecutor(1, initializer=_start, initargs=(readers,)) as pool:
        try:
            return pool.submit(_read, request).result()
        except BrokenProcessPool:
            pass
    if request.stop - request.start == 1:
        message = "The process that read it died: its decoder crashed or memory ran out."
        fault = readers[request.section].fault("crash", message, request.start)
        return Chunk(request, [fault], NO_DIGEST, [NO_LABEL])
    middle = (request.start + request.stop) // 2
    parts = ((request.start, middle), (middle, request.stop))
    return _joined(request, [_read_alone(readers, Request(request.section, *part)) for part in parts])


def _joined(request: Request, parts: Sequence[Chunk]) -> Chunk:
    joined = Chunk(request)
    for part in parts:
        joined.faults += part.faults
        joined.digests += part.digests
        joined.labels += part.labels
        joined.stored.update(part.stored)
        for kind, samples in part.images.items():
            joined.images.setdefault(kind, []).extend(samples)
    return joined
