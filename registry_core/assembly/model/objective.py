"""The objective: the weighted sum of the terms of the loss, each after the activation that the plan adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from registry_core.assembly.building import build
from registry_core.assembly.model.inputs import inputs_of
from registry_core.diagnostics import BrokenComponent
from registry_core.planning.step import TermPlan


class Objective(nn.Module):
    """Called with the entries of a batch and the outputs of the model, by name; returns a scalar."""

    def __init__(self, terms: Sequence[TermPlan]) -> None:
        super().__init__()
        self.terms = [TermModule(term) for term in terms]
        self.modules_of_terms = nn.ModuleList(self.terms)

    def parameters_of_losses(self) -> dict[str, nn.Parameter]:
        """The parameters of the losses: ``head.weight``, or ``0.head.weight`` in a sum."""
        return {
            f"{place}.{name}" if len(self.terms) > 1 else name: parameter
            for place, term in enumerate(self.terms)
            for name, parameter in term.loss.named_parameters()
        }

    def forward(self, values: Mapping[str, Any]) -> Tensor:
        """The weighted sum."""
        total: Tensor | None = None
        for term in self.terms:
            found = term(values)
            found = found if term.weight == 1 else found * term.weight
            total = found if total is None else total + found
        assert total is not None
        return total


class TermModule(nn.Module):
    """One term of the loss: its inputs are read by name, and its result is averaged if it is not a scalar."""

    def __init__(self, term: TermPlan) -> None:
        super().__init__()
        self.inputs = term.inputs
        self.name = term.loss.name
        self.weight = term.weight
        self.activation = term.activation
        self.class_dimension = term.class_dimension
        self.loss = build(term.loss, term.loss.build)

    def forward(self, values: Mapping[str, Any]) -> Tensor:
        """The value of this term alone, without its weight."""
        arguments = inputs_of("loss", self.name, self.inputs, values)
        if self.activation == "log_softmax":
            arguments[0] = torch.log_softmax(arguments[0], self.class_dimension)
        elif self.activation == "sigmoid":
            arguments[0] = torch.sigmoid(arguments[0])
        found: Tensor = self.loss(*arguments)
        return found.mean() if found.ndim else found


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
