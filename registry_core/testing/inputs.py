"""Example inputs: those that a component declares, or those made for the forms that it accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from registry_core.components import ExampleTensor
from registry_core.testing.not_applicable import NotApplicable
from registry_core.testing.subject import CLASSES, Subject

BATCH = 4
_SIDES = (6, 6)


def tensors_of(inputs: Mapping[str, ExampleTensor], seed: int = 0) -> dict[str, Tensor]:
    """Random tensors for these descriptions."""
    generator = torch.Generator().manual_seed(seed)
    return {name: _tensor(described, generator) for name, described in inputs.items()}


def _tensor(described: ExampleTensor, generator: torch.Generator) -> Tensor:
    if described.dtype == "float32":
        span = described.high - described.low
        return torch.rand(described.shape, generator=generator) * span + described.low
    low, high = int(described.low), int(described.high) + 1
    return torch.randint(low, high, described.shape, generator=generator, dtype=getattr(torch, described.dtype))


def of_forms(
    subject: Subject, takes: Sequence[str], output: str, targets: Sequence[str], seed: int = 0
) -> dict[str, Tensor]:
    """The inputs of a loss or metric, before any activation: those of its example, or those of its forms.

    Raises NotApplicable if it has neither.
    """
    if subject.example_inputs:
        return tensors_of(subject.example_inputs, seed)
    if not takes or (output == "any" and not targets):
        raise NotApplicable("its inputs are unknown: declare `example_inputs`")
    form = targets[0] if targets else "any"
    generator = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}
    for name in takes:
        if name == "target":
            found[name] = _target(form, generator)
        elif name == "output" or name.endswith("_output"):
            found[name] = _output(output, form, generator)
        else:
            raise NotApplicable(f"its input {name!r} is unknown: declare `example_inputs`")
    return found


def _output(form: str, target: str, generator: torch.Generator) -> Tensor:
    sides = _SIDES if target == "class_maps" else ()
    numbers: Tensor = torch.randn((BATCH, CLASSES, *sides), generator=generator)
    if target in ("signs", "values", "counts") and form == "values":
        numbers = numbers[:, 0]
    return numbers


def activated(form: str, targets: Sequence[str], numbers: Tensor, dimension: int) -> Tensor:
    """An output of this form, made from plain numbers by its activation."""
    found = numbers
    if form == "log_probabilities":
        found = numbers.log_softmax(dimension)
    elif form == "probabilities":
        by_class = not targets or targets[0] in ("class_indices", "class_maps")
        found = numbers.softmax(dimension) if by_class else numbers.sigmoid()
    return found


def _target(form: str, generator: torch.Generator) -> Tensor:
    if form not in _TARGETS:
        raise NotApplicable(f"targets of the form {form!r} are unknown: declare `example_inputs`")
    found: Tensor = _TARGETS[form](generator)
    return found


def _class_lists(generator: torch.Generator) -> Tensor:
    lists = torch.full((BATCH, CLASSES), -1)
    lists[:, :2] = torch.stack([torch.randperm(CLASSES, generator=generator)[:2] for _ in range(BATCH)])
    return lists


_TARGETS: dict[str, Callable[[torch.Generator], Any]] = {
    "class_indices": lambda g: torch.randint(CLASSES, (BATCH,), generator=g),
    "class_maps": lambda g: torch.randint(CLASSES, (BATCH, *_SIDES), generator=g),
    "class_lists": _class_lists,
    "multi_hot": lambda g: torch.randint(2, (BATCH, CLASSES), generator=g).float(),
    "signs": lambda g: torch.randint(2, (BATCH,), generator=g).float() * 2 - 1,
    "values": lambda g: torch.randn(BATCH, generator=g),
    "counts": lambda g: torch.randint(9, (BATCH,), generator=g).float(),
    "distributions": lambda g: torch.rand(BATCH, CLASSES, generator=g).softmax(1),
}
