"""Parameters that several optimizers share, with their types, descriptions and checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from registry_core.components import CheckFailed, Optimizer, ParameterError, ParameterFacts

Decay = Annotated[float, Field(ge=0, lt=1)]
"""Fraction of a running average that each step keeps."""

LR = "Learning rate."
BETAS = "Decay of the running averages of the gradient and of its square."
EPS = "Constant added to the denominator for numerical stability."
PENALTY = "Weight decay as an L2 penalty, added to the gradient."
MAXIMIZE = "If true, maximizes the loss instead of minimizing it."
FUSED = "If true, one fused kernel performs the whole step; null and false disable it."
FOREACH = (
    "If true, one call updates all parameters, which is faster on a GPU with identical results; "
    "null for torch's default."
)
FOREACH_ROUNDS = (
    "If true, one call updates all parameters, which is faster on a GPU but may round differently "
    "in the last digit; null for torch's default."
)
DECOUPLED = "If true, decouples weight decay from the gradient, as in adamw."


class OfDenseGradients(Optimizer):
    """Base of optimizers for which torch does not support sparse gradients."""

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed for parameters with sparse gradients."""
        refuse_sparse(self, parameters, "does not support sparse gradients", "Use sparse_adam, adagrad or sgd.")


def refuse_sparse(optimizer: Optimizer, parameters: Sequence[ParameterFacts], why: str, remedy: str) -> None:
    """Raise CheckFailed with the names of the parameters that have sparse gradients, if there are any."""
    sparse = [parameter.name for parameter in parameters if parameter.sparse]
    if sparse:
        raise CheckFailed(f"The optimizer {optimizer.name!r} {why}, but {listed(sparse)} would have them.", remedy)


def refuse_fused_foreach(fused: bool | None, foreach: bool | None) -> None:
    """Raise ParameterError if both are set."""
    if fused and foreach:
        raise ParameterError("`fused` and `foreach` are mutually exclusive", "Remove one of them")


def listed(names: Sequence[Any]) -> str:
    """Return the first names as text for messages."""
    return ", ".join(repr(name) for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
