"""The first batch of a section, loaded in this process; errors have their place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.data.loader import Loader
from registry_core.diagnostics import Keys, PipelineError, Problem, RegistryError
from registry_core.diagnostics.foreign_code import pass_interrupt
from registry_core.diagnostics.sentences import describe_error


def first_batch(loader: Loader) -> LoadedBatch:
    """The loaded first batch of a run; PipelineError if loading fails."""
    section = loader.executor.section
    if not len(loader):
        message = f"An epoch of data.{section} has no batch."
        remedy = "Use a smaller batch_size or drop_last: false."
        raise PipelineError([Problem(message, remedy, keys=("data", "batch_size"), code="no-full-batch")])
    with _problems_at(("data", section, "sampler")):
        request = next(loader.epochs.requests(0))
    with _problems_at(("data", section)):
        return loader.load(request)


@contextmanager
def _problems_at(keys: Keys) -> Iterator[None]:
    """A context that turns any error into a PipelineError, with the error's own keys or else these."""
    try:
        yield
    except PipelineError:
        raise
    except RegistryError as error:
        at = error.keys or keys
        problem = Problem(error.message, error.remedy, keys=at, exit_code=error.exit_code, code=error.code)
        raise PipelineError([problem]) from error
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        message = f"The first batch cannot be loaded: {describe_error(error)}."
        raise PipelineError([Problem(message, keys=keys, exit_code=3, code="component-failed")]) from error
