"""Skip faulty samples: those that cannot be read or transformed, or whose label is outside the classes.

In training, another sample takes the place of a faulty one: the next one in index order among those of the epoch. Its
random numbers depend on the place that it takes. So batches keep their sizes, all other samples theirs, and everything
is a function of the request, for any number of loader processes and after any interruption. Elsewhere a faulty sample
is left out, because another one would count twice.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from registry_core.assembly.data.executor import Executor, LoadedBatch, Request
from registry_core.assembly.data.transforms import BuiltTransform, Moment, Sample
from registry_core.assembly.torch_errors import is_out_of_memory
from registry_core.components import stream_key
from registry_core.components.dataset import sample_path
from registry_core.config.models import Section
from registry_core.diagnostics import BrokenComponent, DataError, RegistryError

_OF_THE_MACHINE = frozenset(
    getattr(errno, name)
    for name in (
        *("ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EDQUOT", "EIO", "EAGAIN", "EINTR", "EBUSY", "ENODEV", "ESTALE"),
        *("ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ENOTCONN", "ECONNRESET", "ETIMEDOUT"),
    )
    if hasattr(errno, name)
)
"""Error numbers of the operating system that say nothing about a sample: reading it again may succeed."""


@dataclass(frozen=True)
class SkippedSample:
    """A sample that was skipped, with its file, if it has one of its own, and the reason."""

    index: int
    path: str
    reason: str


@dataclass(frozen=True)
class WithoutFaulty:
    """A batch without the samples that were skipped; it has no entries if none is left, or if too many were."""

    loaded: LoadedBatch
    skipped: tuple[SkippedSample, ...]


class SkippedTally:
    """The samples of a section that were skipped, in the order in which they were met first, up to a limit."""

    def __init__(self, section: Section, limit: int, length: int) -> None:
        self.section = section
        self.limit = limit
        self.length = length
        """The number of samples of the data set."""
        self.samples: dict[int, SkippedSample] = {}
        self.tell: Callable[[Section, list[SkippedSample]], None] | None = None
        """Called with the section and the samples that were not skipped before."""

    def add(self, samples: Iterable[SkippedSample]) -> None:
        """Note samples; DataError if there are more than may be skipped."""
        new = [sample for sample in samples if sample.index not in self.samples]
        self.samples.update((sample.index, sample) for sample in new)
        if new and self.tell is not None:
            self.tell(self.section, new)
        if len(self.samples) > self.limit:
            raise too_many(self.section, self.limit, self.length, new[-1])


def too_many(section: Section, limit: int, length: int, last: SkippedSample) -> DataError:
    """The error of a section with more faulty samples than may be skipped."""
    message = f"More than {limit:,} of {length:,} samples of data.{section} are faulty, the most that may be skipped."
    if limit >= length - 1:
        message = f"No sample of data.{section} can be used."
    remedy = "Repair the data, which `registry-core validate FILE --data` checks, or set data.max_skipped."
    return DataError(f"{message} The last one: {last.reason}", remedy).at("data", section)


class Skipper:
    """Loads batches without their faulty samples, in the process that met one of them."""

    def __init__(
        self, executor: Executor, indices: Callable[[int], NDArray[np.int64]], limit: int, *, replaces: bool
    ) -> None:
        """``indices`` returns the samples of an epoch, from which faulty ones are replaced if ``replaces`` is true."""
        self.executor = executor.one_by_one()
        self.indices = indices
        self.limit = limit
        self.replaces = replaces
        self._drawn: tuple[int, NDArray[np.int64]] | None = None
        """An epoch with the samples that it has, sorted."""

    def load(self, request: Request, *, replaces: bool | None = None) -> WithoutFaulty:
        """The batch of a request; ``replaces`` overrules that of the section. Raises what is not due to a sample."""
        replaces = self.replaces if replaces is None else replaces
        skipped: dict[int, SkippedSample] = {}
        moments: list[Moment] = []
        samples: list[Sample] = []
        for moment in request.moments():
            found = self._usable(moment, skipped, replaces=replaces)
            if len(skipped) > self.limit:
                moments.clear()
                break
            if found is not None:
                number, views = found
                moments.append(replace(moment, number=number))
                samples += views
        indices = tuple(moment.number for moment in moments)
        occurrences = tuple(moment.occurrence for moment in moments) if request.occurrences else ()
        request = request._replace(indices=indices, occurrences=occurrences)
        entries = self.executor.batch_of(samples, request) if moments else {}
        return WithoutFaulty(LoadedBatch(request, entries), tuple(skipped.values()))

    def sample(self, index: int, epoch: int) -> Sample:
        """One sample as the model receives it in this epoch, or the next one that can be used; its first view."""
        skipped: dict[int, SkippedSample] = {}
        found = self._usable(Moment(epoch, index), skipped, replaces=True)
        if found is None:
            raise self._too_many(skipped.values())
        return found[1][0]

    def shown(self, request: Request) -> LoadedBatch:
        """The batch of a request for a look: other samples take the places of faulty ones in any section."""
        found = self.load(request, replaces=True)
        if len(found.skipped) > self.limit:
            raise self._too_many(found.skipped)
        return found.loaded

    def _too_many(self, skipped: Collection[SkippedSample]) -> DataError:
        return too_many(self.executor.section, self.limit, len(self.executor.reader), list(skipped)[-1])

    def _usable(
        self, moment: Moment, skipped: dict[int, SkippedSample], *, replaces: bool
    ) -> tuple[int, list[Sample]] | None:
        """A sample or the one that takes its place, and its views; None if it is left out, or too many are skipped."""
        views = self._views(self.executor, moment, skipped)
        if views is not None:
            return moment.number, views
        if not replaces:
            return None
        place = f"instead of {moment.number}, {moment.occurrence}"
        executor = self.executor.with_transforms(partial(_with_other_numbers, place=place))
        for number in self._following(moment):
            if len(skipped) > self.limit:
                break
            if number not in skipped:
                views = self._views(executor, replace(moment, number=number, occurrence=0), skipped)
                if views is not None:
                    return number, views
        if len(skipped) > self.limit:
            return None
        last = next(reversed(skipped.values()))
        raise DataError(f"No sample of an epoch of data.{executor.section} can be used. The last one: {last.reason}")

    def _views(self, executor: Executor, moment: Moment, skipped: dict[int, SkippedSample]) -> list[Sample] | None:
        """The views of a sample; None if it is faulty, and then it is among those that are skipped."""
        try:
            return executor.transformed(executor.read(moment.number, moment.occurrence), moment)
        except RegistryError as error:
            if not is_fault_of_sample(error):
                raise
            path = sample_path(executor.reader.dataset, moment.number)
            skipped.setdefault(moment.number, SkippedSample(moment.number, path, error.message))
            return None

    def _following(self, moment: Moment) -> Iterator[int]:
        """The other samples of the epoch in index order, from the one after this on, beginning again at the end."""
        if self._drawn is None or self._drawn[0] != moment.epoch:
            self._drawn = moment.epoch, np.unique(self.indices(moment.epoch))
        drawn = self._drawn[1]
        start = int(np.searchsorted(drawn, moment.number, side="right"))
        for place in range(start, start + len(drawn)):
            number = int(drawn[place % len(drawn)])
            if number != moment.number:
                yield number


def _with_other_numbers(transform: BuiltTransform, place: str) -> BuiltTransform:
    """A transform with random numbers of its own for a place: the epoch may have the sample elsewhere, too."""
    children = tuple(_with_other_numbers(child, place) for child in transform.children)
    return replace(transform, random_key=stream_key(transform.random_key, place), children=children)


def is_fault_of_sample(error: RegistryError) -> bool:
    """True if an error is due to a sample, and not to memory, the operating system, or an attempt to exit."""
    if not isinstance(error, (DataError, BrokenComponent)):
        return False
    cause: BaseException | None = error
    while cause is not None:
        if not isinstance(cause, Exception) or is_out_of_memory(cause):
            return False
        if isinstance(cause, (ConnectionError, TimeoutError)) or getattr(cause, "errno", None) in _OF_THE_MACHINE:
            return False
        cause = cause.__cause__ or cause.__context__
    return True
