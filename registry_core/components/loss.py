"""Losses: what is minimised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from registry_core.components.base import Component

if TYPE_CHECKING:
    from torch import nn

OutputForm = Literal["logits", "log_probabilities", "probabilities", "values", "any"]
TargetForm = Literal["class_indices", "multi_hot", "values", "any"]


class Loss(Component):
    """A scalar of model outputs and targets, called with what ``takes`` names.

    ``takes`` lists keys of the batch, and ``output`` for what the model gives; ``output_form`` and ``target_form`` say
    what it wants there.
    """

    kind: ClassVar[str] = "loss"
    takes: ClassVar[tuple[str, ...]] = ("output", "target")
    output_form: ClassVar[OutputForm] = "any"
    target_form: ClassVar[TargetForm] = "any"
    function_leading: ClassVar[int] = 2

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)

    @property
    def is_sum(self) -> bool:
        """Whether it sums over the samples of a batch instead of averaging: its ``reduction`` is ``sum``."""
        return getattr(self, "reduction", "mean") == "sum"

    def build(self) -> nn.Module:
        """The loss module."""
        built: nn.Module = self.make()
        return built
