"""What is minimised: the weighted sum of the pipeline's losses, each after the activation that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from registry_core.analysis.activations import activation_before
from registry_core.assembly.checked import build
from registry_core.components import Loss
from registry_core.components.forms import OutputForm
from registry_core.components.loss import LossTerm


class Objective(nn.Module):
    """Called with the entries of a batch and what the model gave; returns a scalar."""

    def __init__(self, loss: Loss, gives: tuple[str, ...], emits: OutputForm) -> None:
        super().__init__()
        self.terms = [_LossTermModule(term, gives, emits) for term in loss.terms()]
        self.modules_of_terms = nn.ModuleList(self.terms)

    def weights_of_losses(self) -> dict[str, nn.Parameter]:
        """The parameters that losses have of their own: ``head.weight``, or ``0.head.weight`` in a sum."""
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


class _LossTermModule(nn.Module):
    def __init__(self, term: LossTerm, gives: tuple[str, ...], emits: OutputForm) -> None:
        super().__init__()
        self.inputs = term.inputs
        self.weight = term.weight
        self.activation = activation_before(term, gives, emits)
        self.dimension = term.loss.class_dimension
        self.loss = build(term.loss, term.loss.build)

    def forward(self, values: Mapping[str, Any]) -> Tensor:
        arguments = [values[name] for name in self.inputs]
        if self.activation == "log_softmax":
            arguments[0] = torch.log_softmax(arguments[0], self.dimension)
        elif self.activation == "sigmoid":
            arguments[0] = torch.sigmoid(arguments[0])
        found: Tensor = self.loss(*arguments)
        return found.mean() if found.ndim else found


def named_outputs(gives: tuple[str, ...], output: Any) -> dict[str, Any]:
    """What a model returned, by name."""
    return {gives[0]: output} if len(gives) == 1 else {name: output[name] for name in gives}
