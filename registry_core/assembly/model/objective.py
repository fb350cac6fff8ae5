"""The objective: the weighted sum of the terms of the loss, each after the activation that the plan adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from registry_core.assembly.building import build
from registry_core.assembly.model.inputs import inputs_of
from registry_core.diagnostics import BrokenComponent
from registry_core.planning.step import TermPlan


class BatchLoss(NamedTuple):
    """The loss of a batch, or of all batches of an optimizer step."""

    mean: Tensor
    """The weighted sum of the means of all terms; gradients come from it."""
    sums: Tensor | None = None
    """The sum of each term over what counts in it [terms], detached; None if all terms are means over samples."""
    divisors: Tensor | None = None
    """The divisors of these sums [terms]; 0 where nothing counts."""


class Objective(nn.Module):
    """Called with the entries of a batch and the outputs of the model, by name; returns a BatchLoss."""

    def __init__(self, terms: Sequence[TermPlan]) -> None:
        super().__init__()
        self.terms = [TermModule(term) for term in terms]
        self.modules_of_terms = nn.ModuleList(self.terms)
        self.counts_targets = any(term.divisor is not None for term in self.terms)
        """True if a term is a mean over the targets that count, of which batches have different numbers."""

    def parameters_of_losses(self) -> dict[str, nn.Parameter]:
        """The parameters of the losses: ``head.weight``, or ``0.head.weight`` in a sum."""
        return {
            f"{place}.{name}" if len(self.terms) > 1 else name: parameter
            for place, term in enumerate(self.terms)
            for name, parameter in term.loss.named_parameters()
        }

    def forward(self, values: Mapping[str, Any], samples: int | None = None, over: Tensor | None = None) -> BatchLoss:
        """The loss of a batch with this number of samples (default: the rows of its first tensor).

        ``over`` are the divisors [terms] of a larger batch that this one is a part of; then ``mean`` is its share.
        """
        found = [term(values) for term in self.terms]
        if not self.counts_targets:
            return BatchLoss(self._total(found))
        own = self.divisors(values, _rows(values) if samples is None else samples)
        over = own if over is None else over
        sums = [
            value * divisor if term.divisor is None else value
            for term, value, divisor in zip(self.terms, found, own, strict=True)
        ]
        mean = self._total([value / divisor for value, divisor in zip(sums, above_zero(over), strict=True)])
        return BatchLoss(mean, torch.stack([value.detach() for value in sums]), own)

    def divisors(self, values: Mapping[str, Any], samples: int) -> Tensor:
        """The divisor of the mean of each term [terms] for the entries of a batch: samples, or what counts in it."""
        found = [term.divisor(*term.targets(values)) if term.divisor else None for term in self.terms]
        like = next(divisor for divisor in found if divisor is not None)
        return torch.stack([like.new_tensor(samples) if divisor is None else divisor for divisor in found])

    def mean_of(self, sums: Tensor, divisors: Tensor) -> Tensor:
        """The weighted sum of the means of all terms [terms]; NaN if nothing counts in any of them."""
        counted = torch.where(divisors > 0, sums / above_zero(divisors), 0.0)
        total = self._total(list(counted))
        return torch.where((divisors > 0).any(), total, torch.nan)

    def _total(self, means: Sequence[Tensor]) -> Tensor:
        total: Tensor | None = None
        for term, found in zip(self.terms, means, strict=True):
            weighted = found if term.weight == 1 else found * term.weight
            total = weighted if total is None else total + weighted
        assert total is not None
        return total


class TermModule(nn.Module):
    """One term of the loss: its inputs are read by name, and its result is averaged if it is not a scalar."""

    def __init__(self, term: TermPlan) -> None:
        super().__init__()
        self.declared = term.loss
        self.inputs = term.inputs
        self.name = term.loss.name
        self.weight = term.weight
        self.activation = term.activation
        self.class_dimension = term.class_dimension
        over_targets = term.over == "targets"
        declared = term.loss.summed() if over_targets else term.loss
        self.loss = build(declared, declared.build)
        self.divisor: nn.Module | None = build(declared, declared.build_divisor) if over_targets else None

    def targets(self, values: Mapping[str, Any]) -> list[Any]:
        """The inputs after the first, which is the output of the model."""
        return [values[name] for name in self.inputs[1:]]

    def forward(self, values: Mapping[str, Any]) -> Tensor:
        """The mean of this term alone, without its weight; its sum if it has a divisor."""
        arguments = inputs_of("loss", self.name, self.inputs, values)
        if self.activation == "log_softmax":
            arguments[0] = torch.log_softmax(arguments[0], self.class_dimension)
        elif self.activation == "sigmoid":
            arguments[0] = torch.sigmoid(arguments[0])
        found: Tensor = self.loss(*arguments)
        return found.mean() if found.ndim else found


def above_zero(divisors: Tensor) -> Tensor:
    """The divisors, with 1 for 0: where nothing counts, the sum is 0, and so are the mean and its gradients."""
    return torch.where(divisors > 0, divisors, 1)


def named_outputs(names: tuple[str, ...], output: Any) -> dict[str, Any]:
    """The outputs of a model, by name."""
    if len(names) == 1:
        return {names[0]: output}
    try:
        return {name: output[name] for name in names}
    except (KeyError, IndexError, TypeError) as error:
        found = ", ".join(map(repr, output)) if isinstance(output, Mapping) else f"a {type(output).__name__}"
        message = f"The model declares the outputs {', '.join(map(repr, names))}, but returned {found}."
        raise BrokenComponent(message, "Let it return a mapping from these names to tensors.").at("model") from error


def _rows(values: Mapping[str, Any]) -> int:
    return next(len(value) for value in values.values() if isinstance(value, Tensor) and value.ndim)
