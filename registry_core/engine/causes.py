"""The cause of a loss or of gradients that are not finite: samples, weights, the loss itself, fp16, or divergence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from registry_core.analysis.patterns import some_of
from registry_core.assembly.data.executor import LoadedBatch
from registry_core.assembly.data.reading import Reader
from registry_core.assembly.finite import largest, not_finite, stored
from registry_core.assembly.model.objective import Objective
from registry_core.components.dataset import describe_sample
from registry_core.diagnostics import Keys, RunError

_SHOWN = 4
"""At most this many samples of a batch are named."""

_LARGE = 1e6
"""Outputs beyond this are the cause: sensible logits and values are far smaller."""

DIVERGED = "Lower the learning rate, use a warm-up, or clip the gradients."
"""The remedy for a training that diverges."""

_RATE: Keys = ("optim", "optimizer")
"""The place of the learning rate, which is to blame for a training that diverges."""


class Cause(NamedTuple):
    """The cause of a result that is not finite, with a remedy, the samples to blame, and the keys in the file."""

    message: str
    remedy: str
    rows: tuple[int, ...] = ()
    """Samples of the batch by their place in it; (): all of them."""
    keys: Keys = ("train",)


OVERFLOW = Cause(
    "In fp32 the loss of the same batch is finite: a value exceeds the range of fp16.",
    "Use precision bf16 or fp32.",
    keys=("train", "precision"),
)
"""The cause where a loss is finite in fp32 alone."""


def samples_named(reader: Reader, indices: Sequence[int]) -> str:
    """Samples of a section in words: ``sample 3 ('a.png') of data.train``."""
    shown = [_one(reader, index) for index in indices[:_SHOWN]]
    more = len(indices) - len(shown)
    listed = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"sample{'' if len(indices) == 1 else 's'} {listed} of data.{reader.section}"


def _one(reader: Reader, index: int) -> str:
    where = describe_sample(reader.dataset, index)
    return f"{index} ({where})" if where else f"{index}"


def error_of(subject: str, cause: Cause, reader: Reader, loaded: LoadedBatch, views: int = 1) -> RunError:
    """The error of a run: ``subject`` names what is not finite, and when."""
    indices = loaded.request.indices
    chosen = [indices[row // views] for row in cause.rows if row // views < len(indices)] or list(indices)
    about = samples_named(reader, list(dict.fromkeys(chosen)))
    return RunError(f"{subject}: {about}. {cause.message}", cause.remedy).at(*cause.keys, code="not-finite")


def cause_in_entries(entries: Mapping[str, Any], section: str) -> Cause | None:
    """The cause if an entry of the batch is not finite already."""
    if wrong := _wrong_rows(entries):
        name, rows = wrong
        message = f"The entry {name!r} has values that are not finite."
        return Cause(message, "Check the data and the transforms.", rows, ("data", section))
    return None


def cause_of_loss(
    objective: Objective, values: Mapping[str, Any], outputs: tuple[str, ...], section: str
) -> Cause | None:
    """The cause of a loss that is not finite, from the entries and outputs of its batch; None: its loss is finite."""
    if cause := cause_in_entries({name: value for name, value in values.items() if name not in outputs}, section):
        return cause
    if wrong := _wrong_rows({name: values[name] for name in outputs}):
        name, rows = wrong
        message = f"The model's output {name!r} is not finite, although all entries of the batch are."
        return Cause(message, DIVERGED, rows, _RATE)
    for term in objective.terms:
        arguments = [values[name] for name in term.inputs]
        if found := term.declared.explain_not_finite(*arguments):
            return Cause(found.message, found.remedy, found.rows, ("loss",))
    if objective(values).mean.isfinite():
        return None
    size = max((float(values[name].abs().max()) for name in outputs if _is_float(values[name])), default=0.0)
    if size > _LARGE:
        return Cause(f"The outputs of the model reach {size:.3g}: the training diverges.", DIVERGED, keys=_RATE)
    message = "The outputs of the model and the targets are finite, but the loss of them is not."
    return Cause(message, "Check that outputs and targets are in the range of the loss.", keys=("loss",))


def cause_in_weights(tensors: Mapping[str, torch.Tensor]) -> Cause | None:
    """The cause if weights are not finite already."""
    if names := list(not_finite(tensors)):
        message = f"An earlier step made weights that are not finite: {some_of(names)}."
        return Cause(message, DIVERGED, keys=_RATE)
    return None


def cause_in_gradients(parameters: Mapping[str, torch.nn.Parameter], loss: float) -> Cause:
    """The cause of gradients, or of a norm of them, that is not finite."""
    gradients = {name: parameter.grad for name, parameter in parameters.items() if parameter.grad is not None}
    if wrong := list(not_finite(gradients)):
        message = f"The loss is {loss:g}, but not the gradients of {some_of(wrong)}."
        remedy = "Check the model and the loss for divisions by 0, and for roots and logarithms of 0, or lower the "
        return Cause(message, f"{remedy}learning rate.")
    reached = {name: float(largest([stored(grad)])) for name, grad in gradients.items() if stored(grad).numel()}
    name = max(reached, key=lambda name: reached[name])
    message = f"Each of them is, but they reach {reached[name]:.2g} in {name}, "
    message += "and their norm exceeds the range of float32."
    remedy = "Lower the learning rate or use a warm-up, or clip by value, which needs no norm: train.clip.value."
    return Cause(message, remedy, keys=("train", "clip"))


def _wrong_rows(values: Mapping[str, Any]) -> tuple[str, tuple[int, ...]] | None:
    """The first tensor with values that are not finite, and the rows that have them."""
    for name, value in _tensors(values):
        finite = value.isfinite()
        if not finite.all():
            rows = (~finite.reshape(len(value), -1).all(1)).nonzero().flatten().tolist() if value.ndim else []
            return name, tuple(rows)
    return None


def _tensors(values: Mapping[str, Any]) -> Iterator[tuple[str, torch.Tensor]]:
    for name, value in values.items():
        if _is_float(value) and value.layout == torch.strided:
            yield name, value


def _is_float(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point()
