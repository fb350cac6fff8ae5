"""Compare the rows and the weights of two runs bit for bit, and find the first difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import torch

from registry_core.engine.checkpoint.tensor_tree import take_apart
from registry_core.engine.checkpoint.weights import Parts


@dataclass(frozen=True)
class Difference:
    """The first difference between a run and its repeat."""

    message: str
    """A sentence."""
    step: int
    name: str = ""
    """The metric or the tensor; empty if a row is missing, or the repeat ended early."""
    run: str = ""
    """The value of the run, as ``repr`` writes it."""
    repeat: str = ""
    """The value of the repeat."""
    largest: float | None = None
    """The largest absolute difference of the values of a tensor; None for anything else."""


def first_of_rows(run: Sequence[Mapping[str, Any]], repeat: Sequence[Mapping[str, Any]]) -> Difference | None:
    """The first difference between the rows of a run and of its repeat, in the order of steps."""
    for there, here in zip_longest(run, repeat):
        if there is None or here is None or there["step"] != here["step"]:
            is_mine = there is None or (here is not None and here["step"] < there["step"])
            step = (here if is_mine else there)["step"]
            owner, other = ("repeat", "run") if is_mine else ("run", "repeat")
            return Difference(f"The {owner} has a row of step {step}, which the {other} lacks.", step)
        if (found := _first_of_row(there, here)) is not None:
            return found
    return None


def _first_of_row(there: Mapping[str, Any], here: Mapping[str, Any]) -> Difference | None:
    step = there["step"]
    names = [*there, *(name for name in here if name not in there)]
    for name in names:
        before, now = (repr(row[name]) if name in row else "" for row in (there, here))
        if before != now:
            what = f"the row of step {step}"
            if before and now:
                message = f"The first difference is in {what}: {name} was {before}, and is {now} in the repeat."
            else:
                owner, other = ("run", "repeat") if before else ("repeat", "run")
                message = f"The first difference is in {what}: the {owner} has {name}, which the {other} lacks."
            return Difference(message, step, name, before, now)
    return None


def number_of_tensors(parts: Parts) -> int:
    """The entries of all sets of weights."""
    return sum(map(len, parts.values()))


def first_of_weights(step: int, run: Parts, repeat: Parts) -> Difference | None:
    """The first difference between the weights of two checkpoints of one step, bit for bit."""
    there, here = dict(_named(run)), dict(_named(repeat))
    for name in [*there, *(name for name in here if name not in there)]:
        if name not in there or name not in here:
            owner, other = ("run", "repeat") if name in there else ("repeat", "run")
            message = f"The {owner} has a tensor {name!r} at step {step}, which the {other} lacks."
            return Difference(message, step, name)
        if (found := _first_of_values(step, name, there[name], here[name])) is not None:
            return found
    return None


def _named(parts: Parts) -> Iterator[tuple[str, Any]]:
    """All weights by name, those of the model first; other names begin with that of their set."""
    for part in sorted(parts, key=lambda part: (part != "model", part)):
        for name in sorted(parts[part]):
            yield (name if part == "model" else f"{part}/{name}"), parts[part][name]


def _first_of_values(step: int, name: str, there: Any, here: Any) -> Difference | None:
    first = f"The first difference is in the tensor {name!r} at step {step}:"
    before, now = take_apart([there]), take_apart([here])
    pairs = [(before[1][key], now[1][key]) for key in before[1] if key in now[1]]
    if before[0] != now[0] or len(pairs) != len(before[1]) or any(_form(a) != _form(b) for a, b in pairs):
        old, new = (_shown(value) for value in (there, here))
        return Difference(f"{first} it was {old}, and is {new} in the repeat.", step, name, old, new)
    differing = [pair for pair in pairs if not _equal(*pair)]
    if not differing:
        return None
    largest = max(_largest(*pair) for pair in differing)
    return Difference(f"{first} its values differ by up to {largest!r}.", step, name, largest=largest)


def _form(tensor: torch.Tensor) -> tuple[torch.dtype, torch.Size]:
    return tensor.dtype, tensor.shape


def _shown(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return repr(value)[:80]


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(*(tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (a, b)))


def _largest(a: torch.Tensor, b: torch.Tensor) -> float:
    """The largest absolute difference of two tensors; NaN if one of the differing values is."""
    wide = torch.complex128 if a.is_complex() else torch.float64
    return float((a.to(wide) - b.to(wide)).abs().max())
