"""Sums of losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from registry_core.components import ConfigModel, Loss
from registry_core.components.loss import LossTerm
from registry_core.components.types import PositiveFloat


class WeightedLoss(ConfigModel):
    """One loss of a sum, its weight, and which output and which target it compares."""

    loss: Loss
    weight: PositiveFloat = Field(default=1.0, description="Its factor in the sum.")
    output: str = Field(default="output", description="The output of the model that it takes as output.")
    target: str = Field(default="target", description="The entry of the samples that it takes as target.")


class WeightedSum(Loss):
    """The weighted sum of several losses.

    Each loss gets the activation that it needs, and takes what it declares, or the output and the target that are named
    for it. All of them average over the samples of a batch, or all of them sum.
    """

    target = ""
    example: ClassVar[Mapping[str, Any]] = {
        "losses": [{"loss": {"cross_entropy": {"label_smoothing": 0.1}}}, {"loss": "multi_margin", "weight": 0.5}]
    }

    losses: tuple[WeightedLoss, ...] = Field(min_length=1, description="The losses, each with its weight.")

    @property
    def is_sum(self) -> bool:
        """Whether its losses sum over the samples of a batch."""
        return self.losses[0].loss.is_sum

    @model_validator(mode="after")
    def _all_reduce_alike(self) -> Self:
        if len({one.loss.is_sum for one in self.losses}) > 1:
            raise ValueError("some losses sum over a batch and others average; give all the same reduction")
        return self

    def terms(self) -> tuple[LossTerm, ...]:
        """The losses of the sum, sums inside it taken apart."""
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
