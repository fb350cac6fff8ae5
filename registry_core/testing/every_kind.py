"""Checks for components of every kind."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from registry_core.catalog import KINDS, Record, installed
from registry_core.config import dump
from registry_core.registry.doctor import Examination, examine
from registry_core.registry.registries import BY_KIND
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import Subject, resolved

SECONDS = 2.0
"""The longest allowed import of a declaration, in seconds."""


@cache
def _examined(record: Record) -> Examination:
    (found,) = examine(installed(), [record], timeout=60.0)
    return found


@check()
def imports_alone(subject: Subject) -> None:
    """The declaration can be imported in a new process, without output and without torch."""
    if subject.is_plain:
        raise NotApplicable("a plain class or function has no declaration to import")
    found = _examined(subject.record)
    assert found.state in ("ok", "note"), " ".join(found.reasons)


@check()
def imports_quickly(subject: Subject) -> None:
    """The import of the declaration in a new process is fast."""
    if subject.is_plain:
        raise NotApplicable("a plain class or function has no declaration to import")
    seconds = _examined(subject.record).seconds
    assert seconds is not None
    assert seconds < SECONDS, f"its declaration takes {seconds:.1f} s to import: move heavy imports to the target"


@check()
def is_documented(subject: Subject) -> None:
    """It has a docstring, and every parameter has a description."""
    assert subject.declaration.summary().rstrip(".") != "", "it has no docstring"
    if subject.is_plain:
        return
    silent = [name for name, field in subject.declaration.model_fields.items() if not field.description]
    assert not silent, f"parameters without a description: {', '.join(silent)}"


@check()
def has_a_valid_example(subject: Subject) -> None:
    """Its example is valid in a pipeline file."""
    subject.component()


@check()
def survives_a_file(subject: Subject) -> None:
    """It is equal after writing it to a resolved pipeline and reading it back."""
    component = subject.component()
    made_in_python = component.with_record(component.name_in_file, subject.record, {})  # as if no file had been read
    again = resolved(subject.record.kind, json.loads(json.dumps(dump(made_in_python))))
    assert again == component, f"{dump(component)} became {dump(again)}"


@check()
def refuses_unknown_parameters(subject: Subject) -> None:
    """An unknown parameter is an error."""
    if subject.declaration.model_config.get("extra") == "allow":
        raise NotApplicable("it accepts any parameter")
    found: list[str] = []
    try:
        subject.declaration.model_validate({"no_such_parameter": 1})
    except ValidationError as error:
        found = [detail["type"] for detail in error.errors()]
    assert "extra_forbidden" in found, "an unknown parameter is accepted"


@check()
def builds_what_its_kind_is(subject: Subject) -> None:
    """Its example builds an object of the type of its kind."""
    subject.build()


@check()
def builds_anew(subject: Subject) -> None:
    """Two builds return two objects that share no tensor."""
    first, second = subject.build(), subject.build()
    assert first is not second or not _tensors(first), "it builds the same object twice"
    shared = {t.data_ptr() for t in _tensors(first) if t.numel()} & {t.data_ptr() for t in _tensors(second)}
    assert not shared, "two objects that it builds share memory"


@check()
def leaves_global_state_alone(subject: Subject) -> None:
    """Building it changes no global default, random generator, environment variable or current folder."""
    with _unchanged(torch_generator=not KINDS[subject.record.kind].draws_from_torch):
        subject.build()


@check()
def has_its_successor(subject: Subject) -> None:
    """If it is deprecated, the component that replaces it exists."""
    successor = subject.declaration.successor
    assert not successor or successor in BY_KIND[subject.record.kind], f"its successor {successor!r} is not installed"


def _tensors(built: Any) -> list[torch.Tensor]:
    return list(built.state_dict().values()) if isinstance(built, torch.nn.Module) else []


@contextmanager
def _unchanged(*, torch_generator: bool) -> Iterator[None]:
    before = _global_state(torch_generator)
    yield
    after = _global_state(torch_generator)
    changed = [name for name, value in before.items() if value != after[name]]
    assert not changed, f"it changes {', '.join(changed)}"


def _global_state(torch_generator: bool) -> dict[str, Any]:
    name, keys, position, *_ = np.random.get_state()
    state: dict[str, Any] = {
        "the default dtype": torch.get_default_dtype(),
        "whether gradients are computed": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "the number of threads": torch.get_num_threads(),
        "Python's random generator": random.getstate(),
        "NumPy's random generator": (name, bytes(np.asarray(keys)), position),
        "environment variables": dict(os.environ),
        "the current folder": Path.cwd(),
    }
    if torch_generator:
        state["torch's random generator"] = bytes(torch.get_rng_state().numpy())
    return state
