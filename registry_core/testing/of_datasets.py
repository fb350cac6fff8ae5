"""Checks for data sets."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from registry_core.assembly.data.reading import Reader
from registry_core.components import DataFacts
from registry_core.testing.checks import check
from registry_core.testing.not_applicable import reading_files
from registry_core.testing.subject import Subject


def _looked_at(subject: Subject) -> DataFacts:
    """The facts of the data of the example; NotApplicable if they are not on this machine."""
    with reading_files():
        facts: DataFacts = subject.component().facts()
        return facts


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    return bool(np.array_equal(np.asarray(first), np.asarray(second)))


@check()
def is_indexable(subject: Subject) -> None:
    """It has a length, its first and last samples have the declared entries, and reading past the end fails."""
    facts, built = _looked_at(subject), subject.build()
    length = len(built)
    assert length > 0, "it is empty"
    assert facts.length in (None, length), f"it has {length} samples, but declares {facts.length}"
    for number in (0, length - 1):
        sample = Reader("train", subject.record.name, built)(number)
        assert "input" in sample, f"its samples have {', '.join(sample)}, but no `input`"
        missing = sorted(set(facts.entries or ()) - set(sample))
        assert not missing, f"sample {number} has no {', '.join(missing)}, which it declares"
    try:
        built[length]
    except Exception:  # any error is accepted, as in torch
        return
    raise AssertionError(f"it has a sample {length}, although its length is {length}")


@check()
def gives_the_same_sample_again(subject: Subject) -> None:
    """An index returns the same sample, whatever was read before and whatever the state of the random generators."""
    _looked_at(subject)
    built = subject.build()
    first = built[0]
    torch.manual_seed(5)
    _ = built[len(built) - 1]
    assert _same(first, built[0]), "the same index returns different samples"


@check()
def goes_to_loader_processes(subject: Subject) -> None:
    """It can be pickled, and a copy returns the same samples."""
    _looked_at(subject)
    built = subject.build()
    again = pickle.loads(pickle.dumps(built))
    assert len(again) == len(built), "a copy of it has a different length"
    assert _same(again[0], built[0]), "a copy of it returns a different sample"
