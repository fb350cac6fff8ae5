"""Model with sparse gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.models.classifiers import Classifier
from registry_builtin.torch_modules import of_classes
from registry_core.components import CheckFailed, Image, Modules, assembled, written_shape
from registry_core.components.types import PositiveInt, Size

Levels = Annotated[int, Field(ge=1, le=255)]


class SparseBag(Classifier):
    """Table with a row of logits per pixel and brightness level; an image's logits are the sum or mean of its rows.

    Input: float images [batch, in_channels, height, width] from 0 to 1. Output: logits [batch, num_classes]. Values are
    rounded to ``levels`` levels above black; black pixels look up no row, and one additional row, the bias, is part of
    every image. The table is an ``EmbeddingBag`` with ``sparse=True``, so that a gradient contains only the rows that a
    batch looked up: for ``sparse_adam``, ``adagrad`` and ``sgd``. Source: ``torch.nn.EmbeddingBag``.
    """

    target = "registry_builtin.objects.sparse_bag:SparseBag"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "num_classes": 10}

    in_channels: PositiveInt = Field(default=1, description="Number of image channels: 1 for grayscale, 3 for RGB.")
    size: Size = Field(description="Height and width of the images in pixels; a single number sets both.")
    num_classes: PositiveInt = Field(default=10, description="Number of classes: logits per image.")
    levels: Levels = Field(default=4, description="Number of brightness levels above black.")
    mode: Literal["sum", "mean"] = Field(default="sum", description="Reduction of the rows of an image.")

    def modules(self) -> Modules | None:
        """Return the table."""
        rows = self.in_channels * math.prod(self.size) * self.levels + 1
        table = of_classes(("EmbeddingBag",), [("weight", (rows, self.num_classes))])
        return assembled(("SparseBag",), {"table": table})

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if the images differ in channels, size or range."""
        wanted = (self.in_channels, *self.size)
        given = (image.channels, image.height, image.width)
        if any(has is not None and has != needed for has, needed in zip(given, wanted, strict=True)):
            raise CheckFailed(
                f"The model {self.name!r} expects {written_shape(wanted)}, but the images are {written_shape(given)}.",
                "Set in_channels and size to those of the images, or change the transforms.",
            )
        if (image.low is not None and image.low < 0) or (image.high is not None and image.high > 1):
            raise CheckFailed(
                f"The model {self.name!r} expects values from 0 to 1, but gets {image.low:.4g} to {image.high:.4g}.",
                "Remove normalize.",
            )
