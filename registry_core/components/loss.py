"""Losses: what is minimised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from registry_core.components.base import Component
from registry_core.components.facts import DataFacts, Shape
from registry_core.components.forms import OutputForm, TargetForm

if TYPE_CHECKING:
    from torch import nn


class Loss(Component):
    """A scalar of model outputs and targets, called with what ``inputs`` names.

    ``inputs`` lists what the model gives and entries of the batch, in the order of the call, the model's output first.
    ``output_form`` and ``target_forms`` say what it wants there; where the model emits logits, the plan puts the
    activation before it that it needs. A result that is not a scalar is averaged.
    """

    kind: ClassVar[str] = "loss"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target")
    output_form: ClassVar[OutputForm] = "any"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ()
    """Forms of the entry ``target`` that it takes; none: any."""
    class_dimension: ClassVar[int] = 1
    """The dimension of the output that runs over the classes."""
    has_parameters: ClassVar[bool] = False
    """Whether it has weights of its own, which are trained with the model's."""
    function_leading_arguments: ClassVar[int] = 2

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    @property
    def is_sum(self) -> bool:
        """Whether it sums over the samples of a batch instead of averaging: its ``reduction`` is ``sum``."""
        return getattr(self, "reduction", "mean") == "sum"

    def terms(self) -> tuple[LossTerm, ...]:
        """The losses that it is the weighted sum of: itself, for all but sums of losses."""
        return (LossTerm(self, 1.0, self.inputs, ()),)

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed if the loss does not fit a model with so many outputs (None if that is not known)."""

    def check_shape(self, shape: Shape, facts: DataFacts) -> None:
        """Raise CheckFailed if what the model emits for a sample does not fit the targets of these data."""

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the loss does not fit the targets of these data, beyond their form."""

    def build(self) -> nn.Module:
        """The loss module."""
        built: nn.Module = self.make()
        return built


class LossTerm(NamedTuple):
    """One loss of a weighted sum."""

    loss: Loss
    weight: float
    inputs: tuple[str, ...]
    """What it is called with: as the loss declares, or other outputs and entries in their place."""
    at: tuple[str | int, ...]
    """Where it stands inside the sum's parameters."""
