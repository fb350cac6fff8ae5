"""Losses as pipeline files and `registry-core show` see them; torch is imported only where one is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from registry_core.components import Loss
from registry_core.components.forms import OutputForm, TargetForm


class RegistryCoreExample(Loss):
    """Generalised cross entropy: a loss with an upper limit, so that wrong labels do less harm.

    Output: logits [batch, classes], floating point. Target: class numbers [batch], int64. With p the probability of the
    right class it is ``(1 - p ** q) / q``. Source: Zhang and Sabuncu, "Generalized cross entropy loss for training deep
    neural networks with noisy labels", NeurIPS 2018.
    """

    target: ClassVar[str] = "registry_core_example.built.losses:RegistryCoreExample"
    output_form: ClassVar[OutputForm] = "logits"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("class_indices", "class_maps")
    example: ClassVar[Mapping[str, Any]] = {"q": 0.7}

    q: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.7, description="The loss is at most 1 / q; close to 0 it is cross entropy."
    )
    reduction: Literal["none", "mean", "sum"] = Field(default="mean", description="Mean of the batch, sum, or neither.")
