"""A model whose gradients are sparse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from registry_builtin.models.classifiers import Classifier
from registry_builtin.torch_modules import of_classes
from registry_core.components import CheckFailed, Image, Modules, assembled
from registry_core.components.types import PositiveInt, Size

Levels = Annotated[int, Field(ge=1, le=255)]


class SparseBag(Classifier):
    """A table with a row of logits for each pixel and brightness; an image's logits are the sum or mean of its rows.

    Input: float images [batch, in_channels, height, width] from 0 to 1; output: logits [batch, num_classes]. Values are
    rounded to ``levels`` steps above black; black pixels look up nothing, and one more row, a bias, goes into every
    image. The table is an ``EmbeddingBag`` with ``sparse=True``, so that a gradient holds only the rows that a batch
    looked up: for ``sparse_adam``, ``adagrad`` and ``sgd``. Source: ``torch.nn.EmbeddingBag``.
    """

    target = "registry_builtin.objects.sparse_bag:SparseBag"
    example: ClassVar[Mapping[str, Any]] = {"size": 8, "num_classes": 10}

    in_channels: PositiveInt = Field(default=1, description="Channels of the images: 1 for gray, 3 for colours.")
    size: Size = Field(description="Height and width of the images in pixels; one number stands for both.")
    num_classes: PositiveInt = Field(default=10, description="How many classes it tells apart: logits for each image.")
    levels: Levels = Field(default=4, description="Steps of brightness above black.")
    mode: Literal["sum", "mean"] = Field(default="sum", description="What is made of the rows of an image.")

    def modules(self) -> Modules | None:
        """The table."""
        rows = self.in_channels * math.prod(self.size) * self.levels + 1
        table = of_classes(("EmbeddingBag",), [("weight", (rows, self.num_classes))])
        return assembled(("SparseBag",), {"table": table})

    def check_input(self, image: Image) -> None:
        """Raise CheckFailed if channels, size or range of the images are others."""
        wanted = (self.in_channels, *self.size)
        given = (image.channels, image.height, image.width)
        if any(has is not None and has != needed for has, needed in zip(given, wanted, strict=True)):
            raise CheckFailed(
                f"The model {self.name!r} takes images of {_by(wanted)} numbers, and is given {_by(given)}.",
                "Set in_channels and size to those of the images, or change the transforms.",
            )
        if (image.low is not None and image.low < 0) or (image.high is not None and image.high > 1):
            raise CheckFailed(
                f"The model {self.name!r} takes values from 0 to 1, and is given {image.low:.4g} to {image.high:.4g}.",
                "Remove normalize.",
            )


def _by(sides: tuple[int | None, ...]) -> str:
    return " x ".join("?" if side is None else str(side) for side in sides)
