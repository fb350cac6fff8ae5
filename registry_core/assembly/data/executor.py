"""The executor: runs the program of a section for every reader of its samples or batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, NamedTuple, Protocol, TypeVar

import torch

from registry_core.assembly.data.collation import NotStackable, collate, stacked_images
from registry_core.assembly.data.reading import Reader
from registry_core.assembly.data.transforms import Batch, BuiltTransform, Moment, Sample
from registry_core.config.models import Section
from registry_core.diagnostics import RegistryError
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.planning.program import Action, Operation, SectionPlan

V = TypeVar("V")


class Request(NamedTuple):
    """The samples of one batch, its number in the epoch, and the epoch."""

    epoch: int
    batch: int
    indices: tuple[int, ...]
    occurrences: tuple[int, ...] = ()
    """How often the epoch had each of these samples before; (): never, because its order repeats none."""

    def moments(self) -> Iterator[Moment]:
        """The random state of each sample."""
        for index, occurrence in zip(self.indices, self.occurrences or repeat(0), strict=False):  # repeat is endless
            yield Moment(self.epoch, index, 0, occurrence)


class LoadedBatch(NamedTuple):
    """A loaded batch, with its samples."""

    request: Request
    entries: Batch


class Observer(Protocol):
    """An observer of a running program."""

    def began(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        """An operation begins with this sample or batch (None: it is read)."""

    def ended(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        """An operation ended with this sample or batch; one that raises does not end."""


@dataclass(frozen=True)
class Placement:
    """The target of batches: the device of the model, and the memory order of images."""

    device: torch.device
    channels_last: bool


class BuiltOperation(NamedTuple):
    """An operation with the object that it is built from."""

    action: Action
    transform: BuiltTransform | None

    @classmethod
    def of(cls, operation: Operation) -> BuiltOperation:
        """Build an operation of a plan."""
        declared = operation.transform
        if declared is None:
            return cls(operation.action, None)
        key, keys, form = operation.random_key, operation.keys, operation.batch_form
        return cls(operation.action, BuiltTransform.of(declared, key, keys, batch_form=form))


@dataclass(frozen=True)
class Executor:
    """Runs the stages of a section; operations on samples and on loaded batches may run in worker processes."""

    section: Section
    reader: Reader
    of_samples: tuple[BuiltOperation, ...]
    """The operations on single samples, in order."""
    of_batches: tuple[BuiltOperation, ...]
    """The operations on batches in the loading process."""
    on_device_operations: tuple[BuiltOperation, ...]
    views: int
    placement: Placement
    observer: Observer | None = field(default=None, compare=False)

    @classmethod
    def of(cls, plan: SectionPlan, reader: Reader, placement: Placement) -> Executor:
        """Build the operations of a section."""
        stages = [(stage, [BuiltOperation.of(each) for each in stage.operations]) for stage in plan.stages]
        host = [(stage, operations) for stage, operations in stages if stage.place != "device"]
        return cls(
            section=plan.section,
            reader=reader,
            of_samples=_joined(operations for stage, operations in host if stage.unit == "sample"),
            of_batches=_joined(operations for stage, operations in host if stage.unit == "batch"),
            on_device_operations=_joined(operations for stage, operations in stages if stage.place == "device"),
            views=plan.views,
            placement=placement,
        )

    def transforms_where_loaded(self) -> Iterator[BuiltTransform]:
        """The transforms that go to worker processes."""
        for operation in (*self.of_samples, *self.of_batches):
            if operation.transform is not None:
                yield operation.transform

    def watched(self, observer: Observer) -> Executor:
        """The same program with an observer."""
        return replace(self, observer=observer)

    def one_by_one(self) -> Executor:
        """The same program with every transform of samples applied to one sample after the other; same bits."""
        of_samples, of_batches = list(self.of_samples), []
        for operation in self.of_batches:
            if operation.transform is not None and operation.transform.batch_form is not None:
                of_samples.append(operation._replace(transform=replace(operation.transform, batch_form=None)))
            else:
                of_batches.append(operation)
        return replace(self, of_samples=tuple(of_samples), of_batches=tuple(of_batches))

    def with_transforms(self, change: Callable[[BuiltTransform], BuiltTransform]) -> Executor:
        """The same program with every transform changed."""

        def changed(operations: tuple[BuiltOperation, ...]) -> tuple[BuiltOperation, ...]:
            return tuple(each._replace(transform=each.transform and change(each.transform)) for each in operations)

        return replace(
            self,
            of_samples=changed(self.of_samples),
            of_batches=changed(self.of_batches),
            on_device_operations=changed(self.on_device_operations),
        )

    def read(self, index: int, occurrence: int = 0) -> Sample:
        """A sample before all transforms."""
        moment = Moment(0, index, 0, occurrence)
        self._begin("read", None, moment, None)
        return self._end("read", None, moment, self.reader(index))

    def views_of(self, sample: Sample, epoch: int, index: int) -> list[Sample]:
        """All views of a sample after every sample transform, including those that are applied to whole batches."""
        moment = Moment(epoch, index)
        return self._one_by_one(self._in_form_of_batches(), self.transformed(sample, moment), moment)

    def sample(self, index: int, epoch: int) -> Sample:
        """One sample as the model receives it in this epoch; the first view if there are several."""
        return self.views_of(self.read(index), epoch, index)[0]

    def load(self, request: Request) -> Batch:
        """A batch after the operations of the loading process; the views of a sample are adjacent."""
        samples = [
            view
            for each in request.moments()
            for view in self.transformed(self.read(each.number, each.occurrence), each)
        ]
        return self.batch_of(samples, request)

    def batch_of(self, samples: Sequence[Sample], request: Request) -> Batch:
        """A batch of samples after the operations on samples."""
        moment = Moment(request.epoch, request.batch)
        batch = self._collated(samples, moment, request)
        with torch.no_grad():
            for operation in self.of_batches:
                if operation.transform is not None and operation.transform.batch_form is None:
                    batch = self._on_batch(operation.transform, batch, moment)
        return batch

    def on_device(self, batch: Batch, request: Request) -> Batch:
        """A loaded batch on the device, after the operations there."""
        moment = Moment(request.epoch, request.batch)
        moves_last = self.placement.device.type == "meta"  # its tensors have no values, which transforms may read
        if not moves_last:
            batch = self._moved(batch, moment)
        with torch.no_grad():
            for operation in self.on_device_operations:
                if operation.transform is not None:
                    batch = self._on_batch(operation.transform, batch, moment)
        return self._moved(batch, moment) if moves_last else batch

    def transformed(self, sample: Sample, moment: Moment) -> list[Sample]:
        """The views of a sample after the operations on single samples."""
        transforms = [operation.transform for operation in self.of_samples if operation.transform is not None]
        return self._one_by_one(transforms, [sample], moment)

    def _in_form_of_batches(self) -> list[BuiltTransform]:
        """The transforms of samples that are applied to whole batches."""
        return [each.transform for each in self.of_batches if each.transform and each.transform.batch_form]

    def _one_by_one(self, transforms: Iterable[BuiltTransform], views: list[Sample], moment: Moment) -> list[Sample]:
        """The views of a sample after these transforms of samples."""
        for transform in transforms:
            views = self._each(transform, views, moment)
        return views

    def _each(self, transform: BuiltTransform, views: list[Sample], moment: Moment) -> list[Sample]:
        self._begin("transform", transform, moment, views)
        epoch, number, occurrence = moment.epoch, moment.number, moment.occurrence
        moments = (Moment(epoch, number, view, occurrence) for view in range(len(views)))
        try:
            made = [one for each, its in zip(views, moments, strict=True) for one in transform.each(each, its)]
        except RegistryError as error:
            raise error.adding(self.reader.told(number))  # noqa: B904  # it is the same error
        return self._end("transform", transform, moment, made)

    def _on_batch(self, transform: BuiltTransform, batch: Batch, moment: Moment) -> Batch:
        self._begin("transform", transform, moment, batch)
        return self._end("transform", transform, moment, transform(batch, moment))

    def _collated(self, samples: Sequence[Sample], moment: Moment, request: Request) -> Batch:
        """The batch after collation and the transforms in batch form; where images do not stack, sample by sample."""
        batched = self._in_form_of_batches()
        if batched and (stacks := stacked_images(samples)) is not None:
            try:
                return self._in_batch_form(samples, stacks, batched, moment, request)
            except RegistryError:
                raise
            except BaseException as error:  # applied per sample below, a transform raises its own error
                pass_interrupt(error)
        views = len(samples) // len(request.indices)
        made = [
            view
            for place, each in enumerate(request.moments())
            for view in self._one_by_one(batched, list(samples[place * views : (place + 1) * views]), each)
        ]
        return self._collate(made, moment, request)

    def _in_batch_form(
        self,
        samples: Sequence[Sample],
        stacks: dict[str, torch.Tensor],
        batched: Sequence[BuiltTransform],
        moment: Moment,
        request: Request,
    ) -> Batch:
        others = [{name: value for name, value in sample.items() if name not in stacks} for sample in samples]
        rest = self._collate(others, moment, request)
        batch: Batch = {name: stacks[name] if name in stacks else rest[name] for name in samples[0]}
        for transform in batched:
            assert transform.batch_form is not None
            self._begin("transform", transform, moment, batch)
            changed = {name: transform.batch_form(batch[name]) for name in stacks}
            batch = self._end("transform", transform, moment, {**batch, **changed})
        made = {name: batch[name].as_subclass(torch.Tensor).contiguous() for name in stacks}
        return {**batch, **made}

    def _collate(self, samples: Sequence[Sample], moment: Moment, request: Request) -> Batch:
        self._begin("collate", None, moment, samples)
        try:
            batch = collate(samples)
        except NotStackable as failed:
            views = max(1, len(samples) // len(request.indices))
            raise failed.error(lambda place: self.reader.named(request.indices[place // views])).at(
                "data", self.section
            ) from None
        return self._end("collate", None, moment, batch)

    def _moved(self, batch: Batch, moment: Moment) -> Batch:
        if not any(operation.action == "move" for operation in self.on_device_operations):
            return batch
        self._begin("move", None, moment, batch)
        return self._end("move", None, moment, to_device(batch, self.placement))

    def _begin(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        if self.observer is not None:
            self.observer.began(action, transform, moment, value)

    def _end(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: V) -> V:
        if self.observer is not None:
            self.observer.ended(action, transform, moment, value)
        return value


def _joined(operations: Iterable[Sequence[BuiltOperation]]) -> tuple[BuiltOperation, ...]:
    return tuple(operation for each in operations for operation in each)


def to_device(batch: Batch, placement: Placement) -> Batch:
    """The batch on the device; copies from pinned memory do not wait."""
    moved: Batch = {}
    for name, value in batch.items():
        if isinstance(value, torch.Tensor):
            is_image = placement.channels_last and value.ndim == 4
            layout = torch.channels_last if is_image else torch.preserve_format
            value = value.to(placement.device, non_blocking=True, memory_format=layout)
        moved[name] = value
    return moved
