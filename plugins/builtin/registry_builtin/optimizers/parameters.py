"""Parameters that several optimizers share, with their types, descriptions and checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from registry_core.components import CheckFailed, Optimizer, ParameterError, ParameterFacts, RunFacts

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


class OfTorch(Optimizer):
    """Base of all: optimizers of torch, whose parameters have the same meaning wherever they have the same name."""

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of parameters that are probably not meant, such as betas in the wrong order."""
        return [*_doubts(self)]


def _doubts(optimizer: Optimizer) -> Iterator[CheckFailed]:
    name = optimizer.name
    if getattr(optimizer, "maximize", False):
        message = f"The optimizer {name!r} maximizes the loss."
        yield CheckFailed(message, "Remove maximize: a loss is lower where the model is better.", ("maximize",))
    eps = getattr(optimizer, "eps", None)
    largest = max(one for one in eps if one is not None) if isinstance(eps, tuple) else eps
    if largest is not None and largest > 1:
        message = f"The optimizer {name!r} hardly changes the weights: eps is {largest:g}, and divides each step."
        yield CheckFailed(message, "Set eps to a small number, for example 1e-8.", ("eps",))
    betas = getattr(optimizer, "betas", None)
    if betas is not None and betas[0] > betas[1]:
        message = f"The optimizer {name!r} forgets squares of gradients faster than gradients: betas are {list(betas)}."
        yield CheckFailed(message, "Write the decay of the gradient first, for example [0.9, 0.999].", ("betas",))
    decay = getattr(optimizer, "weight_decay", 0.0)
    if decay > 1 and not optimizer.decay_of_weights():
        message = f"The optimizer {name!r} adds {decay:g} times the weights to the gradient, more than most gradients."
        yield CheckFailed(message, "Set a smaller weight_decay, for example 0.0001.", ("weight_decay",))
    if getattr(optimizer, "decoupled_weight_decay", False) and not decay:
        message = f"decoupled_weight_decay of the optimizer {name!r} has no effect: weight_decay is 0."
        yield CheckFailed(message, "Set weight_decay.", ("decoupled_weight_decay",))


class OfDenseGradients(OfTorch):
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
