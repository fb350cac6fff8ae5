"""Losses for sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from registry_builtin.losses.parameters import Reducing
from registry_core.components.forms import OutputForm, TargetForm
from registry_core.components.types import NonNegativeInt


class CTC(Reducing):
    """Connectionist temporal classification: labels in order, without saying where they are.

    Output: log-probabilities [batch, time, classes]; log_softmax over the classes is put before it where the model
    emits logits. Target: int64 [batch, longest], padded, without blanks; ``target_length``: int64 [batch]. All time
    steps count. The mean divides each sample by its target's length. Source: Graves et al., "Connectionist temporal
    classification", ICML 2006; ``torch.nn.CTCLoss``.
    """

    target: ClassVar[str] = "registry_builtin.objects.losses:CTC"
    takes: ClassVar[tuple[str, ...]] = ("output", "target", "target_length")
    output_form: ClassVar[OutputForm] = "log_probabilities"
    target_forms: ClassVar[tuple[TargetForm, ...]] = ("sequences",)
    class_dimension: ClassVar[int] = -1
    example: ClassVar[Mapping[str, Any]] = {"blank": 0, "zero_infinity": True}

    blank: NonNegativeInt = Field(default=0, description="The class that stands for no label.")
    zero_infinity: bool = Field(
        default=False, description="Count infinite losses, of targets too long for the output, as 0."
    )
