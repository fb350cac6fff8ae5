"""Sums of losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import ConfigModel, Loss, ParameterError
from registry_core.components.loss import LossTerm
from registry_core.components.types import PositiveFloat


class WeightedLoss(ConfigModel):
    """One term of a weighted sum: the loss, its weight, and the output and target that it compares."""

    loss: Loss
    weight: PositiveFloat = Field(default=1.0, description="Weight of the loss in the sum.")
    output: str = Field(default="output", description="Output of the model that the loss is computed from.")
    target: str = Field(default="target", description="Entry of the samples that the loss compares it with.")


class WeightedSum(Loss):
    """Weighted sum of several losses.

    Each loss receives the activation that it needs, and is called with the inputs that it declares, or with the output
    and the target named for it. Either all losses average over the samples of a batch, or all sum.
    """

    target = ""
    example: ClassVar[Mapping[str, Any]] = {
        "losses": [{"loss": {"cross_entropy": {"label_smoothing": 0.1}}}, {"loss": "multi_margin", "weight": 0.5}]
    }

    losses: tuple[WeightedLoss, ...] = Field(min_length=1, description="Losses, each with its weight.")

    @property
    def is_sum(self) -> bool:
        """True if the losses sum over the samples of a batch."""
        return self.losses[0].loss.is_sum

    @model_validator(mode="after")
    def _all_reduce_alike(self) -> Self:
        if len({one.loss.is_sum for one in self.losses}) > 1:
            message = "some losses sum over the batch, but others average"
            raise ParameterError(message, "Set the same reduction for all losses")
        return self

    def terms(self) -> tuple[LossTerm, ...]:
        """Return the losses of the sum; nested sums are flattened."""
        return tuple(
            LossTerm(
                inner.loss,
                one.weight * inner.weight,
                tuple({"output": one.output, "target": one.target}.get(name, name) for name in inner.inputs),
                ("losses", place, "loss", *_inside(one.loss, inner)),
            )
            for place, one in enumerate(self.losses)
            for inner in one.loss.terms()
        )


def _inside(loss: Loss, inner: LossTerm) -> tuple[str | int, ...]:
    return (loss.name_in_file, *inner.at) if inner.at else ()
