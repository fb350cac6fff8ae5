"""Errors that torch distinguishes only by their texts, read in this one place because they have no own types."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from registry_core.diagnostics import RegistryError, RunError
from registry_core.diagnostics.foreign_code import failure, pass_interrupt
from registry_core.diagnostics.sentences import text_of


def is_out_of_memory(error: BaseException) -> bool:
    """True if memory could not be allocated: on the CPU torch raises a plain RuntimeError."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in text_of(error)


SHARED_MEMORY = "/dev/shm"
"""The folder of the shared memory through which loader processes send tensors, on Linux."""


def is_out_of_shared_memory(error: BaseException) -> bool:
    """True if a tensor could not be moved to shared memory: torch raises a plain RuntimeError."""
    text = text_of(error)
    return getattr(error, "errno", None) == errno.ENOSPC or (
        isinstance(error, RuntimeError) and ("shared memory" in text or "No space left" in text or "/torch_" in text)
    )


def is_not_deterministic(error: BaseException) -> bool:
    """True if an operation has no deterministic algorithm: torch raises a plain RuntimeError."""
    return "deterministic" in text_of(error)


def needs_values(error: BaseException) -> bool:
    """True if an operation read the values of a tensor on the meta device: torch raises many types."""
    text = text_of(error).lower()
    return isinstance(error, NotImplementedError) or "meta" in text or "data-dependent" in text or "fake" in text


@contextmanager
def torch_code(what: str) -> Iterator[None]:
    """Turn any error of models, losses, metrics and optimizers into a RunError that names the failing part."""
    try:
        yield
    except RegistryError:
        raise
    except BaseException as error:  # a plugin may raise anything
        pass_interrupt(error)
        remedy = "Set train.deterministic to false to allow it." if is_not_deterministic(error) else ""
        raise failure(f"{what} failed", error, RunError, remedy) from error
