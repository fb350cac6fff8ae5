"""The first batch of a section, made in this process, with the place in the file of what fails on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.assembly.data.loader import BatchSource, Request
from registry_core.assembly.data.samples import Batch, BatchTransforms, SampleTransforms
from registry_core.assembly.pipeline import Pipeline
from registry_core.config import Section
from registry_core.diagnostics import Keys, PipelineError, Problem, RegistryError


def first_batch(pipeline: Pipeline, section: Section) -> Batch:
    """The batch with which a run begins, before the transforms on the device; PipelineError if it cannot be made."""
    loader = pipeline.loaders[section]
    source = loader.source
    if not len(loader):
        message = f"An epoch of data.{section} has no batch."
        remedy = "Use a smaller batch_size, or drop_last: false."
        raise PipelineError([Problem(message, remedy, keys=("data", "batch_size"), code="no-full-batch")])
    with _problems_at(("data", section, "sampler")):
        request = next(loader.requests(0, 0))
    with _problems_at(("data", section)):
        try:
            batch = source.collated(request)
        except RegistryError as error:
            raise _problem(error, _place(source, request)) from error
    declared = pipeline.plan.spec.data.sections()[section].batch_transforms
    places = [place for place, transform in enumerate(declared) if not transform.on_device]
    for place, step in zip(places, source.batch_transforms.steps, strict=True):
        with _problems_at(("data", section, "batch_transforms", place)):
            batch = BatchTransforms([step])(batch, request.epoch, request.batch)
    return batch


def _place(source: BatchSource, request: Request) -> Keys:
    """The key of what fails on the samples of a batch: the data set, or a transform; else the section's."""
    at: Keys = ("data", source.section)
    for index in request.indices:
        try:
            views = [source.read(index)]
        except RegistryError:
            return (*at, "dataset")
        for place, step in enumerate(source.transforms.steps):
            try:
                views = SampleTransforms.stepped(step, views, request.epoch, index)
            except RegistryError:
                return (*at, "transforms", place)
    return at


@contextmanager
def _problems_at(keys: Keys) -> Iterator[None]:
    try:
        yield
    except PipelineError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        raise _problem(error, keys) from error


def _problem(error: BaseException, keys: Keys) -> PipelineError:
    if isinstance(error, RegistryError):
        return PipelineError([Problem(str(error), keys=keys, exit_code=error.exit_code, code=error.code)])
    message = f"The first batch cannot be made: {type(error).__name__}: {error}."
    return PipelineError([Problem(message, keys=keys, exit_code=3, code="component-failed")])
