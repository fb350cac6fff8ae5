"""Losses: the functions that training minimises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

from registry_core.components.base import Component
from registry_core.components.facts import CheckFailed, DataFacts, Shape
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

    def mean_over(self, facts: DataFacts) -> Literal["samples", "targets"]:
        """The divisor of its mean, for targets with these facts.

        ``samples``: the mean over several batches weights each by its samples. ``targets``: by what counts in it, such
        as the class weights of its targets, or the pixels that are not void; ``build_divisor`` computes that.
        """
        return "samples"

    def terms(self) -> tuple[LossTerm, ...]:
        """The terms of a weighted sum of losses; the loss itself if it is none."""
        return (LossTerm(self, 1.0, self.inputs, ()),)

    def check_outputs(self, outputs: int | None) -> None:
        """Raise CheckFailed if the loss does not fit a model with this number of outputs (None: unknown)."""

    def check_shape(self, shape: Shape, facts: DataFacts) -> None:
        """Raise CheckFailed if the model's output for a sample does not fit the targets of these data."""

    def check_targets(self, facts: DataFacts) -> None:
        """Raise CheckFailed if the loss does not fit the targets of these data, beyond their form."""

    def summed(self) -> Self:
        """The same loss as a sum over all that counts, for a loss whose mean is over targets."""
        return self.model_copy(update={"reduction": "sum"})

    def build_divisor(self) -> nn.Module:
        """The module that returns the divisor of the mean, a scalar, for the inputs after the model's output.

        It is asked for if ``mean_over`` returns ``targets``.
        """
        raise NotImplementedError(f"{type(self).__name__} has a mean over targets, but no divisor")

    def explain_not_finite(self, *inputs: Any) -> NotFiniteLoss | None:
        """Return the reason why the loss of a batch with these inputs is not finite, if the loss knows it."""
        return None

    def output_range(self, facts: DataFacts) -> tuple[float | None, float | None]:
        """The least and the largest output that the smallest loss for these targets needs; None: no demand."""
        return (-math.inf, math.inf) if self.output_form == "logits" else (None, None)

    def loss_of_a_guess(self, classes: int) -> float | None:
        """The loss of outputs that are the same for all classes; None if there is none, or it is a sum."""
        return None

    @property
    def least_output(self) -> float:
        """The least output that it is defined for; infinite if it is defined for all."""
        return -math.inf

    @property
    def is_logarithmic(self) -> bool | None:
        """True if its output is the logarithm of what the targets are; None if it compares no values."""
        return None

    @property
    def aligns_sequences(self) -> bool:
        """True if it is infinite unless there is a time step for each label and one between equal neighbours."""
        return False

    def shape_warnings(self, shape: Shape, facts: DataFacts) -> Sequence[CheckFailed]:
        """Warnings about the model's output for a sample, for targets of these data."""
        return ()

    def build(self) -> nn.Module:
        """The loss module."""
        built: nn.Module = self.make()
        return built


class NotFiniteLoss(NamedTuple):
    """The reason why the loss of a batch is not finite."""

    message: str
    remedy: str
    rows: tuple[int, ...] = ()
    """The samples to blame, by their place in the batch; (): all of them."""


class LossTerm(NamedTuple):
    """One loss of a weighted sum."""

    loss: Loss
    weight: float
    inputs: tuple[str, ...]
    """The names of its inputs: those that the loss declares, or others that replace them."""
    at: tuple[str | int, ...]
    """Its place inside the sum's parameters."""
