"""Layers: linear maps, and what changes the shape of a sample or leaves it as it is."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from registry_builtin.layers.sizes import INPLACE, ElementwiseLayer, FixedLayer, Pair, SizedLayer, left
from registry_builtin.torch_modules import linear
from registry_core.components import CheckFailed, Modules, Shape, written_shape
from registry_core.components.types import (
    INTEGER,
    NUMBER,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    one_or_list,
)

_DIM = "counts the batch as 0, as in torch; -1 is the last"


def place_of(dim: int, shape: Shape, parameter: str) -> int:
    """Which side of a sample a dimension of the batch is; CheckFailed if it has no such side."""
    place = dim - 1 if dim >= 0 else dim + len(shape)
    if 0 <= place < len(shape):
        return place
    message = f"has {parameter} {dim}, and is given {written_shape(shape)}, whose sides are 1 to {len(shape)}."
    raise CheckFailed(message, f"Change {parameter}.")


class Linear(SizedLayer):
    """Multiply the features by a matrix and add a bias.

    In: floats [batch, in_features] or [batch, length, in_features]; out: the same with out_features. Source:
    ``torch.nn.Linear``.
    """

    target = "torch.nn:Linear"
    size_parameter: ClassVar[str] = "in_features"
    size_words: ClassVar[str] = "features"
    axis: ClassVar[int] = -1
    ranks: ClassVar[tuple[int, ...]] = (1, 2)
    example: ClassVar = {"name": "fc1", "out_features": 120}

    in_features: PositiveInt | None = Field(
        default=None, description="Features of what it is given; default: as many as there are."
    )
    out_features: PositiveInt = Field(description="Features of the result.")
    bias: bool = Field(default=True, description="Whether a number is added to each feature of the result.")

    def infer_shape(self, shape: Shape) -> Shape:
        """The last side becomes the features of the result."""
        return (*shape[:-1], self.out_features)

    def modules(self) -> Modules | None:
        """The matrix and the bias."""
        return None if self.in_features is None else linear(self.in_features, self.out_features, self.bias)


class Identity(ElementwiseLayer):
    """Gives what it is given.

    In and out: anything. Source: ``torch.nn.Identity``.
    """

    target = "torch.nn:Identity"
    passes_on: ClassVar[bool] = True


class Dropout(ElementwiseLayer):
    """Replace values by zeros at random in training, and scale up the others.

    In and out: floats [batch, ...]; the others are divided by 1 - p. Source: ``torch.nn.Dropout``; Srivastava et al.,
    "Dropout", JMLR 2014.
    """

    target = "torch.nn:Dropout"
    only_inside: ClassVar[str] = "some become 0 in training"
    bases: ClassVar[tuple[str, ...]] = ("_DropoutNd",)

    p: Probability = Field(default=0.5, description="Chance of a value to be replaced.")
    inplace: bool = Field(default=False, description=INPLACE)


class Dropout2d(Dropout):
    """Replace whole channels by zeros at random in training, and scale up the others.

    In and out: floats [batch, channels, height, width]; the others are divided by 1 - p. Source:
    ``torch.nn.Dropout2d``; Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.
    """

    target = "torch.nn:Dropout2d"
    ranks: ClassVar[tuple[int, ...]] = (3,)


class Flatten(FixedLayer):
    """Put the values of each sample in one row.

    In: [batch, ...]; out: [batch, features], or with the sides from start_dim to end_dim joined. Source:
    ``torch.nn.Flatten``.
    """

    target = "torch.nn:Flatten"
    passes_on: ClassVar[bool] = True

    start_dim: int = Field(default=1, description=f"First side to join; {_DIM}.")
    end_dim: int = Field(default=-1, description=f"Last side to join; {_DIM}.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Neighbouring sides become one."""
        first, last = place_of(self.start_dim, shape, "start_dim"), place_of(self.end_dim, shape, "end_dim")
        if first > last:
            message = f"joins from side {first + 1} to side {last + 1}, backwards."
            raise CheckFailed(message, "Set start_dim to a side before end_dim.")
        joined = shape[first : last + 1]
        return (*shape[:first], _product(joined), *shape[last + 1 :])


def _product(sides: Shape) -> int | None:
    known = [side for side in sides if side is not None]
    return math.prod(known) if len(known) == len(sides) else None


def _unflattened(value: Any) -> Any:
    sides = value if isinstance(value, (list, tuple)) else ()
    if sides and all(type(side) is int and (side >= 1 or side == -1) for side in sides) and list(sides).count(-1) <= 1:
        return tuple(sides)
    raise ValueError(f"expected a list of sizes, each at least 1, or -1 for one that follows, not {value!r}")


_SIDES = WithJsonSchema({"type": "array", "items": {**INTEGER, "minimum": -1}, "minItems": 1})


class Unflatten(FixedLayer):
    """Cut one side of each sample into several.

    In: [batch, ...]; out: the same with the side `dim` replaced by `unflattened_size`. Source: ``torch.nn.Unflatten``.
    """

    target = "torch.nn:Unflatten"
    passes_on: ClassVar[bool] = True
    example: ClassVar = {"dim": 1, "unflattened_size": [16, 4, 4]}

    dim: int = Field(default=1, description=f"The side to cut; {_DIM}.")
    unflattened_size: Annotated[tuple[int, ...], BeforeValidator(_unflattened), _SIDES] = Field(
        description="The sides that it is cut into; -1: what is left, for one of them."
    )

    def infer_shape(self, shape: Shape) -> Shape:
        """One side becomes several."""
        place = place_of(self.dim, shape, "dim")
        side, known = shape[place], math.prod(size for size in self.unflattened_size if size != -1)
        fits = side is None or (side % known == 0 if -1 in self.unflattened_size else side == known)
        if not fits:
            message = f"cuts a side into {written_shape(self.unflattened_size)}, and is given {side}."
            raise CheckFailed(message, f"Choose sizes whose product is {side}.")
        rest = None if side is None else side // known
        return (*shape[:place], *(rest if size == -1 else size for size in self.unflattened_size), *shape[place + 1 :])


def _scale(value: Any) -> Any:
    pair = value if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) == 2 and all(type(factor) in (int, float) and factor > 0 for factor in pair):
        return (float(pair[0]), float(pair[1]))
    raise ValueError(f"expected a factor or [for the height, for the width], greater than 0, not {value!r}")


_SCALES = one_or_list({**NUMBER, "exclusiveMinimum": 0}, 2)


class Upsample(FixedLayer):
    """Enlarge images to a size or by a factor.

    In: floats [batch, channels, height, width]; out: the same with other sides (rounded down). Source:
    ``torch.nn.Upsample``.
    """

    target = "torch.nn:Upsample"
    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False
    example: ClassVar = {"scale_factor": 2}

    size: Pair | None = Field(default=None, description="Height and width of the result; one number stands for both.")
    scale_factor: Annotated[tuple[PositiveFloat, PositiveFloat], BeforeValidator(_scale), _SCALES] | None = Field(
        default=None, description="Factor on height and width; one number stands for both."
    )
    mode: Literal["nearest", "nearest-exact", "bilinear", "bicubic"] = Field(
        default="nearest", description="How new pixels are made from old ones."
    )
    align_corners: bool | None = Field(
        default=None, description="Whether the middles of the corner pixels stay; bilinear and bicubic only."
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.size is None) == (self.scale_factor is None):
            raise ValueError("upsample takes either `size` or `scale_factor`")
        if self.align_corners is not None and self.mode.startswith("nearest"):
            raise ValueError(f"align_corners is for the modes bilinear and bicubic, not for {self.mode}; leave it out")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """The sides that were asked for."""
        if self.size is not None or self.scale_factor is None:
            return (shape[0], *(self.size or ()))
        sides = tuple(
            None if side is None else math.floor(side * factor)
            for side, factor in zip(shape[1:], self.scale_factor, strict=True)
        )
        return (shape[0], *left(sides, shape, "Set a larger scale_factor."))


class PixelShuffle(FixedLayer):
    """Turn groups of channels into larger images.

    In: [batch, channels * r^2, height, width]; out: [batch, channels, height * r, width * r], r: upscale_factor.
    Source: ``torch.nn.PixelShuffle``; Shi et al., "Real-time single image and video super-resolution using an
    efficient sub-pixel convolutional neural network", CVPR 2016.
    """

    target = "torch.nn:PixelShuffle"
    ranks: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar = {"upscale_factor": 2}

    upscale_factor: PositiveInt = Field(description="Factor on height and width.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Fewer channels, more pixels."""
        factor = self.upscale_factor
        channels, height, width = (None if side is None else (side, side * factor) for side in shape)
        if channels is not None and channels[0] % factor**2:
            message = f"needs channels in groups of {factor**2}, and is given {channels[0]}."
            raise CheckFailed(message, f"Give it a multiple of {factor**2} channels, or change upscale_factor.")
        return (
            None if channels is None else channels[0] // factor**2,
            None if height is None else height[1],
            None if width is None else width[1],
        )


class ZeroPad2d(FixedLayer):
    """Put zeros around images.

    In: [batch, channels, height, width]; out: the same with larger sides. Source: ``torch.nn.ZeroPad2d``.
    """

    target = "torch.nn:ZeroPad2d"
    bases: ClassVar[tuple[str, ...]] = (
        "ConstantPad2d",
        "_ConstantPadNd",
    )
    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False
    example: ClassVar = {"padding": 2}

    padding: NonNegativeInt | tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt, NonNegativeInt] = Field(
        description="Pixels at every edge, or at [left, right, top, bottom]."
    )

    def infer_shape(self, shape: Shape) -> Shape:
        """The sides grow."""
        edges = (self.padding,) * 4 if isinstance(self.padding, int) else self.padding
        _, height, width = shape
        return (
            shape[0],
            None if height is None else height + edges[2] + edges[3],
            None if width is None else width + edges[0] + edges[1],
        )
