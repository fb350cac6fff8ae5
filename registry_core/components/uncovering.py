"""Transforms whose output has pixels that the input does not cover, and the class that masks have there."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from registry_core.components.facts import DataFacts
from registry_core.components.transform import Transform


class UncoveringTransform(Transform):
    """Base of transforms that add or uncover pixels, which in masks get ``mask_fill``."""

    mask_fill: int | None = Field(
        default=None,
        description="Class index of uncovered or added pixels in masks; null for the void value of the data set, or 0 "
        "if it has none.",
    )

    def for_data(self, facts: DataFacts) -> Self:
        """Return a copy that fills masks with the void value of the data set, unless another value is set."""
        if self.mask_fill is not None or facts.void is None:
            return self
        return self.model_copy(update={"mask_fill": facts.void})

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of the target, with the number for masks if it is one of them."""
        return {name: value or 0 if name == "mask_fill" else value for name, value in super().arguments().items()}
