"""The trace of one sample: the operations on it before the model, with its entries after each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import PIL.Image
import torch

from registry_core.assembly.data.executor import Executor, Placement, Request
from registry_core.assembly.data.loader import Loader
from registry_core.assembly.data.section import build_loader
from registry_core.assembly.data.transforms import BuiltTransform, Moment
from registry_core.assembly.device import choose_device
from registry_core.config.models import Section
from registry_core.diagnostics import RegistryError, RunError
from registry_core.planning.plan import Plan
from registry_core.planning.program import Action


@dataclass(frozen=True)
class Entry:
    """One entry of a sample or batch: its type; shape, dtype and range of a tensor or image, or else its value."""

    name: str
    type: str
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    low: float | None = None
    high: float | None = None
    value: str = ""


@dataclass(frozen=True)
class TraceStep:
    """One operation: its name, a note, its duration, and the entries after it (of the first view)."""

    step: str
    name: str
    note: str
    seconds: float
    views: int
    entries: tuple[Entry, ...]


def trace(plan: Plan, section: Section, index: int, epoch: int) -> Iterator[TraceStep]:
    """The operations on sample ``index`` of a section in an epoch, up to the call of the model.

    The batch of the sample is loaded as in a run, and observed. Where faulty samples are skipped, and the batch has
    some, the sample is followed alone.
    """
    if section not in plan.sections:
        raise RunError(f"The pipeline has no data section {section!r}.", f"It has: {', '.join(plan.sections)}.")
    device = choose_device(plan.device, plan.step.precision)
    loader = build_loader(plan.sections[section], plan.loading, Placement(device, plan.step.channels_last))
    length = len(loader.executor.reader)
    if not 0 <= index < length:
        raise RunError(f"data.{section} has the samples 0 to {length - 1}, but not {index}.")
    started = time.perf_counter()
    request = _request_of(loader, index, epoch)
    sampler = plan.sections[section].sampler.name
    yield TraceStep("order", sampler, _order_note(request, index, epoch), time.perf_counter() - started, 1, ())
    watch = _Watch(index, loader.executor, request)
    batch = _batch(watch.executor, request, skips=loader.skipped is not None)
    if request is None or batch is None:
        watch = _Watch(index, loader.executor, None)
        watch.executor.sample(index, epoch)
        yield from watch.steps
        return
    yield from watch.steps
    model = plan.model.declared
    given = {name: batch[name] for name in model.inputs if name in batch}
    yield TraceStep("model", model.name, f"gets {', '.join(given)} on {device}", watch.moving, 1, entries_of(given))


def _batch(executor: Executor, request: Request | None, *, skips: bool) -> dict[str, Any] | None:
    """The batch of a sample; None if the epoch has none, or if faulty samples of it are skipped."""
    try:
        return None if request is None else executor.on_device(executor.load(request), request)
    except RegistryError:
        if not skips:
            raise
        return None


class _Watch:
    """Observes a program, and records the operations on one sample and on its batch."""

    def __init__(self, index: int, executor: Executor, request: Request | None) -> None:
        self.index = index
        self.samples = len(request.indices) if request else 0
        self.views = executor.views
        self.row = request.indices.index(index) * self.views if request else 0
        """The position of the sample in its batch, or of its first view."""
        self.length = len(executor.reader)
        self.device = executor.placement.device
        self.dataset = executor.reader.name
        self.steps: list[TraceStep] = []
        self.moving = 0.0
        self._applied: list[str] = []
        """Names of the applied transforms inside the current one."""
        self._is_on_device = False
        self._started = 0.0
        self.executor = executor.with_transforms(self._noting_children).watched(self)

    def began(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        """An operation begins."""
        self._applied.clear()
        self._started = time.perf_counter()

    def ended(self, action: Action, transform: BuiltTransform | None, moment: Moment, value: Any) -> None:
        """An operation ended: record it, if it concerns the sample."""
        took = time.perf_counter() - self._started
        if action == "move":
            self.moving, self._is_on_device = took, True
        elif action == "collate":
            note = f"{self.samples} samples, read and transformed"
            self.steps.append(TraceStep("collate", "batch", note, took, 1, entries_of(value)))
        elif action == "read" and (moment.number, moment.occurrence) == (self.index, 0):
            note = f"sample {self.index} of {self.length}"
            self.steps.append(TraceStep("read", self.dataset, note, took, 1, entries_of(value)))
        elif transform is not None and isinstance(value, list):
            if (moment.number, moment.occurrence) == (self.index, 0):
                note = self._note(transform)
                step = TraceStep("transform", transform.name, note, took, len(value), entries_of(value[0]))
                self.steps.append(step)
        elif transform is not None:
            self.steps.append(self._of_batch(transform, value, took))

    def _of_batch(self, transform: BuiltTransform, value: Any, took: float) -> TraceStep:
        if self._is_on_device:
            return TraceStep("device transform", transform.name, f"on {self.device}", took, 1, entries_of(value))
        if transform.batch_form is not None:
            note = f"applied to {self.samples} samples at once"
            own = {name: entry[self.row] for name, entry in value.items()}
            return TraceStep("transform", transform.name, note, took, self.views, entries_of(own))
        return TraceStep("batch transform", transform.name, self._note(transform), took, 1, entries_of(value))

    def _note(self, transform: BuiltTransform) -> str:
        return f"took {_joined(self._applied)}" if transform.children else ""

    def _noting_children(self, transform: BuiltTransform) -> BuiltTransform:
        """The same transform, which records the names of the transforms inside it that it applies."""
        return _noting(transform, self._applied)


def _noting(transform: BuiltTransform, applied: list[str]) -> BuiltTransform:
    children: Any = tuple(_noted(child, applied) for child in transform.children)  # called as children are
    return replace(transform, children=children)


def _noted(child: BuiltTransform, applied: list[str]) -> Any:
    inner: list[str] = []
    noting = _noting(child, inner)

    def apply(sample: Any, moment: Moment) -> Any:
        result = noting(sample, moment)
        applied.append(f"{child.name} ({_joined(inner)})" if child.children else child.name)
        inner.clear()
        return result

    return apply


def entries_of(sample: Mapping[str, Any]) -> tuple[Entry, ...]:
    """The entries of a sample or a batch."""
    return tuple(_entry(name, value) for name, value in sample.items())


def _entry(name: str, value: Any) -> Entry:
    if isinstance(value, PIL.Image.Image):
        array = np.asarray(value)
        channels_first = array.transpose(2, 0, 1) if array.ndim == 3 else array[None]
        return _array(name, f"Pillow image {value.mode}", channels_first, str(array.dtype))
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return _array(name, type(value).__name__, value.detach().cpu().as_subclass(torch.Tensor), dtype)
    if isinstance(value, np.ndarray):
        return _array(name, "array", value, str(value.dtype))
    text = repr(value)
    return Entry(name, type(value).__name__, value=text if len(text) <= 40 else f"{text[:37]}...")


def _array(name: str, kind: str, array: Any, dtype: str) -> Entry:
    shape = tuple(array.shape)
    if not np.prod(shape):
        return Entry(name, kind, shape, dtype)
    return Entry(name, kind, shape, dtype, float(array.min()), float(array.max()))


def _request_of(loader: Loader, index: int, epoch: int) -> Request | None:
    """The request of the batch with the sample; None if the epoch does not contain it."""
    return next((request for request in loader.epochs.requests(epoch) if index in request.indices), None)


def _order_note(request: Request | None, index: int, epoch: int) -> str:
    if request is None:
        return f"epoch {epoch} does not contain sample {index}"
    return f"number {request.indices.index(index)} of batch {request.batch} of epoch {epoch}"


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
