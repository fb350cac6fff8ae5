"""What happens to one sample on its way to the model, step by step, with what it is after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
import torch

from registry_core.assembly.data.loader import Loader, Request
from registry_core.assembly.data.samples import SampleTransforms
from registry_core.assembly.data.steps import Moment, Step
from registry_core.assembly.device import choose_device
from registry_core.assembly.pipeline import build_loader
from registry_core.config import Section
from registry_core.diagnostics import RunError
from registry_core.engine.evaluate import to_device
from registry_core.planning.plan import Plan


@dataclass(frozen=True)
class Entry:
    """One entry of a sample or batch: its type, and shape, dtype and range of what holds numbers; else its value."""

    name: str
    type: str
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    low: float | None = None
    high: float | None = None
    value: str = ""


@dataclass(frozen=True)
class TraceStep:
    """One step: what it is, what it did, how long it took, and the entries after it (of several views the first)."""

    step: str
    name: str
    note: str
    seconds: float
    views: int
    entries: tuple[Entry, ...]


def trace(plan: Plan, section: Section, index: int, epoch: int) -> Iterator[TraceStep]:
    """The steps of sample ``index`` of a section in an epoch, up to what the model gets."""
    if section not in plan.sections:
        raise RunError(f"The pipeline has no data section {section!r}. It has: {', '.join(plan.sections)}.")
    device = choose_device(plan.spec.train)
    loader = build_loader(plan, plan.sections[section], device)
    length = len(loader.source.dataset)
    if not 0 <= index < length:
        raise RunError(f"data.{section} has the samples 0 to {length - 1}, and {index} is none of them.")
    request, took = _timed(lambda: _request_of(loader, index, epoch))
    sampler = plan.sections[section].sampler.name
    yield TraceStep("order", sampler, _order_note(request, index, epoch), took, 1, ())
    yield from _sample_steps(plan, section, loader, index, epoch)
    if request is not None:
        yield from _batch_steps(plan, loader, request, device)


def _sample_steps(plan: Plan, section: Section, loader: Loader, index: int, epoch: int) -> Iterator[TraceStep]:
    source = loader.source
    sample, took = _timed(lambda: source.read(index))
    views = [sample]
    name = plan.spec.data.sections()[section].dataset.name
    yield TraceStep("read", name, f"sample {index} of {len(source.dataset)}", took, 1, entries_of(sample))
    for step in source.transforms.steps:
        taken: list[str] = []
        views, took = _timed(partial(SampleTransforms.stepped, _recorded(step, taken), views, epoch, index))
        yield TraceStep("transform", step.name, _taken_note(step, taken), took, len(views), entries_of(views[0]))


def _batch_steps(plan: Plan, loader: Loader, request: Request, device: torch.device) -> Iterator[TraceStep]:
    source = loader.source
    batch, took = _timed(lambda: source.collated(request))
    note = f"{len(request.indices)} samples, read and transformed"
    yield TraceStep("collate", "batch", note, took, 1, entries_of(batch))
    moment = Moment(request.epoch, request.batch)
    for step in source.batch_transforms.steps:
        taken: list[str] = []
        batch, took = _timed(partial(_recorded(step, taken), batch, moment))
        yield TraceStep("batch transform", step.name, _taken_note(step, taken), took, 1, entries_of(batch))
    model = plan.spec.model
    batch, moving = _timed(partial(to_device, batch, device, plan.spec.train.channels_last))
    for step in loader.device_transforms.steps:
        batch, took = _timed(partial(step, batch, moment))
        yield TraceStep("device transform", step.name, f"on {device}", took, 1, entries_of(batch))
    given = {name: batch[name] for name in model.inputs if name in batch}
    yield TraceStep("model", model.name, f"gets {', '.join(given)} on {device}", moving, 1, entries_of(given))


def entries_of(sample: Mapping[str, Any]) -> tuple[Entry, ...]:
    """What the entries of a sample or a batch are."""
    return tuple(_entry(name, value) for name, value in sample.items())


def _entry(name: str, value: Any) -> Entry:
    if isinstance(value, PIL.Image.Image):
        array = np.asarray(value)
        channels_first = array.transpose(2, 0, 1) if array.ndim == 3 else array[None]
        return _numbers(name, f"Pillow image {value.mode}", channels_first, str(array.dtype))
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return _numbers(name, type(value).__name__, value.detach().cpu().as_subclass(torch.Tensor), dtype)
    if isinstance(value, np.ndarray):
        return _numbers(name, "array", value, str(value.dtype))
    text = repr(value)
    return Entry(name, type(value).__name__, value=text if len(text) <= 40 else f"{text[:37]}...")


def _numbers(name: str, kind: str, array: Any, dtype: str) -> Entry:
    shape = tuple(array.shape)
    if not np.prod(shape):
        return Entry(name, kind, shape, dtype)
    return Entry(name, kind, shape, dtype, float(array.min()), float(array.max()))


def _request_of(loader: Loader, index: int, epoch: int) -> Request | None:
    """The request of the batch that the sample is in; None if the epoch leaves it out."""
    return next((request for request in loader.requests(epoch, 0) if index in request.indices), None)


def _order_note(request: Request | None, index: int, epoch: int) -> str:
    if request is None:
        return f"epoch {epoch} leaves sample {index} out"
    return f"number {request.indices.index(index)} of batch {request.batch} of epoch {epoch}"


def _recorded(step: Step, taken: list[str]) -> Step:
    """The same step, which notes the names of the parts that it takes."""
    parts: Any = tuple(_noting(part, taken) for part in step.children)  # called as parts are, and nothing else
    return replace(step, children=parts)


def _noting(part: Step, taken: list[str]) -> Any:
    inner: list[str] = []
    recorded = _recorded(part, inner)

    def noted(sample: Any, moment: Moment) -> Any:
        result = recorded(sample, moment)
        taken.append(f"{part.name} ({_joined(inner)})" if part.children else part.name)
        inner.clear()
        return result

    return noted


def _taken_note(step: Step, taken: Sequence[str]) -> str:
    return f"took {_joined(taken)}" if step.children else ""


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _timed(action: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = action()
    return result, time.perf_counter() - started
