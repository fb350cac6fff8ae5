"""What several optimizers share: types and descriptions of parameters, and checks of gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from registry_core.components import CheckFailed, Optimizer, ParameterFacts

Decay = Annotated[float, Field(ge=0, lt=1)]
"""The share of a running average that each step keeps."""

LR = "Learning rate: length of a step."
BETAS = "Decay of the averages: gradient, square."
EPS = "Added to the denominator, against division by zero."
PENALTY = "L2 penalty, added to the gradient."
MAXIMIZE = "Climb instead of descend."
FUSED = "One kernel for all of a step; null and false: not."
FOREACH = "All parameters in one call, which is faster on a GPU and gives the same bits; null: torch's choice."
FOREACH_ROUNDS = (
    "All parameters in one call, which is faster on a GPU but may round differently in the last digit; null: torch's "
    "choice."
)
DECOUPLED = "Decay weights apart from the gradient, as adamw does."


class OfDenseGradients(Optimizer):
    """An optimizer that torch gives no way to take sparse gradients."""

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for parameters with sparse gradients."""
        refuse_sparse(self, parameters, "takes no sparse gradients", "Use sparse_adam, adagrad or sgd.")


def refuse_sparse(optimizer: Optimizer, parameters: Sequence[ParameterFacts], why: str, remedy: str) -> None:
    """Raise CheckFailed with the names of the parameters that have sparse gradients, if there are any."""
    sparse = [parameter.name for parameter in parameters if parameter.sparse]
    if sparse:
        raise CheckFailed(f"The optimizer {optimizer.name!r} {why}, which {listed(sparse)} would get.", remedy)


def refuse_fused_foreach(fused: bool | None, foreach: bool | None) -> None:
    """Raise ValueError if both are asked for."""
    if fused and foreach:
        raise ValueError("fused and foreach are two ways to take a step; leave one of them out")


def listed(names: Sequence[Any]) -> str:
    """The first names, for messages."""
    return ", ".join(repr(name) for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
