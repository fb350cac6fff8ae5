"""Optimizers: algorithms that update the parameters from their gradients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from registry_core.components.base import Component

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer


class ParameterFacts(NamedTuple):
    """The facts of a trainable parameter that are known before the first step."""

    name: str
    shape: tuple[int, ...]
    sparse: bool
    """True if it gets sparse gradients from an embedding layer."""


class Optimizer(Component):
    """Updates parameters; built with parameters, or with groups of them that override options."""

    kind: ClassVar[str] = "optimizer"
    needs_closure: ClassVar[bool] = False
    """True if ``step`` calls a closure that evaluates the model again, as L-BFGS does."""
    supports_groups: ClassVar[bool] = True
    """True if groups of parameters may have options of their own."""
    usual_rates: ClassVar[tuple[float, float] | None] = None
    """The lowest and the highest learning rate that is usual for it; None: no rate is unusual."""
    leading_arguments: ClassVar[int] = 1
    function_leading_arguments: ClassVar[int] = 1

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def check_parameters(self, parameters: Sequence[ParameterFacts]) -> None:
        """Raise CheckFailed if it cannot train these parameters; called for each group, with the group's options."""

    def decay_of_weights(self) -> float:
        """The weight decay whose product with the rate is the share that a step takes from a weight; 0: none is."""
        return 0.0

    def build(self, parameters: Iterable[Parameter] | list[dict[str, Any]]) -> TorchOptimizer:
        """The optimizer of these parameters."""
        built: TorchOptimizer = self.make(parameters)
        return built
