"""Errors that torch tells apart by its texts alone: the one place that reads them, for want of types or codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from registry_core.diagnostics import RegistryError, RunError
from registry_core.diagnostics.foreign_code import failure


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory could not be had: on the CPU torch raises a bare RuntimeError."""
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def is_not_deterministic(error: BaseException) -> bool:
    """Whether an operation has no algorithm that repeats bit for bit: torch raises a bare RuntimeError."""
    return "deterministic" in str(error)


def needs_values(error: BaseException) -> bool:
    """Whether an operation asked for the values of a tensor on the meta device: torch raises many types."""
    text = str(error).lower()
    return isinstance(error, NotImplementedError) or "meta" in text or "data-dependent" in text or "fake" in text


@contextmanager
def torch_code(what: str) -> Iterator[None]:
    """Turn whatever models, losses, metrics and optimizers raise into a RunError that says where it was."""
    try:
        yield
    except RegistryError:
        raise
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        remedy = "Set train.deterministic to false to allow it." if is_not_deterministic(error) else ""
        raise failure(f"{what} failed", error, RunError, remedy) from error
