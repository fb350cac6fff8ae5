"""Losses: the functions that training minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from registry_core.components.base import Component
from registry_core.components.facts import DataFacts, Shape
from registry_core.components.forms import OutputForm, TargetForm

if TYPE_CHECKING:
    from torch import nn


class Loss(Component):
    """A function of model outputs and targets, called with the entries that ``inputs`` names; it returns a scalar.

    ``inputs`` lists outputs of the model and entries of the batch, in the order of the call, the model's output first.
    ``output_form`` and ``target_forms`` are the forms that it expects there; if the model returns logits, the plan
    adds the activation that the loss needs. A result that is not a scalar is averaged.
    """

    kind: ClassVar[str] = "loss"
    inputs: ClassVar[tuple[str, ...]] = ("output", "target")
    output_form: ClassVar[OutputForm] = "any"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ()
    """Forms of the entry ``target`` that it accepts; (): any."""
    class_dimension: ClassVar[int] = 1
    """The class dimension of the output."""
    has_parameters: ClassVar[bool] = False
    """True if it has parameters of its own, which are trained with the model's."""
    function_leading_arguments: ClassVar[int] = 2

    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    @property
    def is_sum(self) -> bool:
        """True if it sums over the samples of a batch instead of averaging: its ``reduction`` is ``sum``."""
        return getattr(self, "reduction", "mean") == "sum"

    def terms(self) -> tuple[LossTerm, ...]:
        """The terms of a weighted sum of losses; the loss itself if it is none."""
        return (LossTerm(self, 1.0, self.inputs, ()),)

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed if the loss does not fit a model with this number of outputs (None: unknown)."""

    def check_shape(self, shape: Shape, facts: DataFacts) -> None:
        """Raise CheckFailed if the model's output for a sample does not fit the targets of these data."""

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
    """The names of its inputs: those that the loss declares, or others that replace them."""
    at: tuple[str | int, ...]
    """Its place inside the sum's parameters."""
