"""Declarations of losses for pipeline files; torch is imported only when a loss is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from registry_core.components import Loss
from registry_core.components.forms import OutputForm, TargetForm


class RegistryCoreExample(Loss):
    """Generalized cross entropy: a bounded loss, on which wrong labels have less influence.

    Output: logits [batch, classes], floating point. Target: class indices [batch], int64. If p is the probability of
    the correct class, the loss is ``(1 - p ** q) / q``. Source: Zhang and Sabuncu, "Generalized cross entropy loss for
    training deep neural networks with noisy labels", NeurIPS 2018.
    """

    target: ClassVar[str] = "registry_core_example.built.losses:RegistryCoreExample"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps")
    example: ClassVar[Mapping[str, Any]] = {"q": 0.7}

    q: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.7, description="The loss is at most 1 / q; for q near 0, it is close to cross entropy."
    )
    reduction: Literal["none", "mean", "sum"] = Field(default="mean", description="Mean, sum, or one loss per sample.")
