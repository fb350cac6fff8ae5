"""Layers: linear maps, reshaping, resizing, padding and dropout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from registry_builtin.layers.sizes import INPLACE, ElementwiseLayer, FixedLayer, Pair, SizedLayer, left
from registry_builtin.torch_modules import linear
from registry_core.components import CheckFailed, Modules, ParameterError, RunFacts, Shape, written_shape
from registry_core.components.types import (
    INTEGER,
    NUMBER,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Probability,
    one_or_list,
)

MOST_DROPPED = 0.9
"""Dropout probability from which on hardly anything is left: others write the probability to be kept."""

_DIM = "the batch is dimension 0, as in torch; -1 is the last"


def place_of(dim: int, shape: Shape, parameter: str) -> int:
    """Convert a dimension of the batch to an index into a sample's shape; CheckFailed if it does not exist."""
    place = dim - 1 if dim >= 0 else dim + len(shape)
    if 0 <= place < len(shape):
        return place
    message = f"has {parameter} {dim}, but receives {written_shape(shape)}, whose dimensions are 1 to {len(shape)}."
    raise CheckFailed(message, f"Change {parameter}.")


class Linear(SizedLayer):
    """Linear transformation of the features.

    Input: floats [batch, in_features] or [batch, length, in_features]. Output: the same with out_features. Source:
    ``torch.nn.Linear``.
    """

    target = "torch.nn:Linear"
    size_parameter: ClassVar[str] = "in_features"
    size_words: ClassVar[str] = "features"
    axis: ClassVar[int] = -1
    ranks: ClassVar[tuple[int, ...]] = (1, 2)
    example: ClassVar = {"name": "fc1", "out_features": 120}

    in_features: PositiveInt | None = Field(default=None, description="Number of input features; default: inferred.")
    out_features: PositiveInt = Field(description="Number of output features.")
    bias: bool = Field(default=True, description="If true, adds a trained bias to each output feature.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape with the last dimension replaced by the output features."""
        return (*shape[:-1], self.out_features)

    def modules(self) -> Modules | None:
        """Return the module with its matrix and bias."""
        return None if self.in_features is None else linear(self.in_features, self.out_features, self.bias)


class Identity(ElementwiseLayer):
    """Return the input unchanged.

    Input and output: anything. Source: ``torch.nn.Identity``.
    """

    target = "torch.nn:Identity"
    passes_on: ClassVar[bool] = True


class Dropout(ElementwiseLayer):
    """Dropout: zeroes random elements in training and scales up the rest.

    Input and output: floats [batch, ...]; the remaining elements are divided by 1 - p. Source: ``torch.nn.Dropout``;
    Srivastava et al., "Dropout", JMLR 2014.
    """

    target = "torch.nn:Dropout"
    only_inside: ClassVar[str] = "some become 0 in training"
    bases: ClassVar[tuple[str, ...]] = ("_DropoutNd",)

    p: Probability = Field(default=0.5, description="Probability of an element to be zeroed.")
    inplace: bool = Field(default=False, description=INPLACE)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a probability that zeroes nothing, or nearly everything."""
        return doubtful_dropout(self.name, self.p, "p")


def doubtful_dropout(name: str, p: float, parameter: str) -> Sequence[CheckFailed]:
    """Return a warning of a dropout probability of 0 or of nearly 1."""
    if 0 < p < MOST_DROPPED:
        return ()
    zeroed = "all values" if p == 1 else f"{p:.0%} of the values" if p else "nothing"
    message = f"{name} with {parameter} {p:g} zeroes {zeroed} in training."
    remedy = f"Change {parameter}, the probability of a value to be zeroed; 0.1 to 0.5 are usual."
    return (CheckFailed(message, remedy, (parameter,), code="layer-effect"),)


class Dropout2d(Dropout):
    """Channel dropout: zeroes random channels in training and scales up the rest.

    Input and output: floats [batch, channels, height, width]; the remaining channels are divided by 1 - p. Source:
    ``torch.nn.Dropout2d``; Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015.
    """

    target = "torch.nn:Dropout2d"
    ranks: ClassVar[tuple[int, ...]] = (3,)


class Flatten(FixedLayer):
    """Flatten a contiguous range of dimensions, by default all except the batch.

    Input: [batch, ...]. Output: [batch, features], or with the dimensions from start_dim to end_dim merged. Source:
    ``torch.nn.Flatten``.
    """

    target = "torch.nn:Flatten"
    passes_on: ClassVar[bool] = True

    start_dim: int = Field(default=1, description=f"First dimension to flatten; {_DIM}.")
    end_dim: int = Field(default=-1, description=f"Last dimension to flatten; {_DIM}.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape with the dimensions merged."""
        first, last = place_of(self.start_dim, shape, "start_dim"), place_of(self.end_dim, shape, "end_dim")
        if first > last:
            message = f"has start_dim {first + 1} after end_dim {last + 1}."
            raise CheckFailed(message, "Set start_dim to a dimension before end_dim.")
        joined = shape[first : last + 1]
        return (*shape[:first], _product(joined), *shape[last + 1 :])


def _product(sides: Shape) -> int | None:
    known = [side for side in sides if side is not None]
    return math.prod(known) if len(known) == len(sides) else None


def _unflattened(value: Any) -> Any:
    sides = value if isinstance(value, (list, tuple)) else ()
    if sides and all(type(side) is int and (side >= 1 or side == -1) for side in sides) and list(sides).count(-1) <= 1:
        return tuple(sides)
    raise ValueError(f"expected a list of sizes, each at least 1, with at most one -1 to be inferred, not {value!r}")


_SIDES = WithJsonSchema({"type": "array", "items": {**INTEGER, "minimum": -1}, "minItems": 1})


class Unflatten(FixedLayer):
    """Split one dimension into several.

    Input: [batch, ...]. Output: the same with the dimension `dim` replaced by `unflattened_size`. Source:
    ``torch.nn.Unflatten``.
    """

    target = "torch.nn:Unflatten"
    passes_on: ClassVar[bool] = True
    example: ClassVar = {"dim": 1, "unflattened_size": [16, 4, 4]}

    dim: int = Field(default=1, description=f"Dimension to split; {_DIM}.")
    unflattened_size: Annotated[tuple[int, ...], BeforeValidator(_unflattened), _SIDES] = Field(
        description="Sizes of the new dimensions; one of them may be -1 and is inferred."
    )

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape with the dimension split."""
        place = place_of(self.dim, shape, "dim")
        side, known = shape[place], math.prod(size for size in self.unflattened_size if size != -1)
        fits = side is None or (side % known == 0 if -1 in self.unflattened_size else side == known)
        if not fits:
            message = f"cannot split a dimension of {side} into {written_shape(self.unflattened_size)}."
            raise CheckFailed(message, f"Choose sizes whose product is {side}.")
        rest = None if side is None else side // known
        return (*shape[:place], *(rest if size == -1 else size for size in self.unflattened_size), *shape[place + 1 :])


def _scale(value: Any) -> Any:
    pair = value if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) == 2 and all(type(factor) in (int, float) and factor > 0 for factor in pair):
        return (float(pair[0]), float(pair[1]))
    raise ValueError(f"expected a factor or [height factor, width factor], greater than 0, not {value!r}")


_SCALES = one_or_list({**NUMBER, "exclusiveMinimum": 0}, 2)


class Upsample(FixedLayer):
    """Upsample images to a size or by a factor.

    Input: floats [batch, channels, height, width]. Output: the same with other sides (rounded down). Source:
    ``torch.nn.Upsample``.
    """

    target = "torch.nn:Upsample"
    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False
    example: ClassVar = {"scale_factor": 2}

    size: Pair | None = Field(default=None, description="Output height and width; a single number sets both.")
    scale_factor: Annotated[tuple[PositiveFloat, PositiveFloat], BeforeValidator(_scale), _SCALES] | None = Field(
        default=None, description="Factor of height and width; a single number sets both."
    )
    mode: Literal["nearest", "nearest-exact", "bilinear", "bicubic"] = Field(
        default="nearest", description="Interpolation mode."
    )
    align_corners: bool | None = Field(
        default=None, description="If true, the centres of the corner pixels are aligned; bilinear and bicubic only."
    )

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds unchanged, except for bicubic interpolation, which overshoots."""
        return super().bounds(low, high) if self.mode != "bicubic" or low == high else (-math.inf, math.inf)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a factor of 1."""
        if self.scale_factor != (1.0, 1.0):
            return ()
        message = "upsample with scale_factor 1 returns the image unchanged."
        return (
            CheckFailed(message, "Set another factor, or remove upsample.", ("scale_factor",), code="layer-effect"),
        )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.size is None) == (self.scale_factor is None):
            raise ParameterError("exactly one of `size` and `scale_factor` is required", "Set one of them")
        if self.align_corners is not None and self.mode.startswith("nearest"):
            raise ParameterError(f"`align_corners` has no effect in mode {self.mode}", "Remove align_corners")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the requested sides."""
        if self.size is not None or self.scale_factor is None:
            return (shape[0], *(self.size or ()))
        sides = tuple(
            None if side is None else math.floor(side * factor)
            for side, factor in zip(shape[1:], self.scale_factor, strict=True)
        )
        return (shape[0], *left(sides, shape, "Set a larger scale_factor."))


class PixelShuffle(FixedLayer):
    """Rearrange groups of channels into larger images.

    Input: [batch, channels * r^2, height, width]. Output: [batch, channels, height * r, width * r], where r is
    upscale_factor. Source: ``torch.nn.PixelShuffle``; Shi et al., "Real-time single image and video super-resolution
    using an efficient sub-pixel convolutional neural network", CVPR 2016.
    """

    target = "torch.nn:PixelShuffle"
    ranks: ClassVar[tuple[int, ...]] = (3,)
    example: ClassVar = {"upscale_factor": 2}

    upscale_factor: PositiveInt = Field(description="Factor of height and width.")

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape with fewer channels and more pixels."""
        factor = self.upscale_factor
        channels, height, width = (None if side is None else (side, side * factor) for side in shape)
        if channels is not None and channels[0] % factor**2:
            message = f"expects a multiple of {factor**2} channels, but receives {channels[0]}."
            raise CheckFailed(message, "Change the channels before it, or upscale_factor.")
        return (
            None if channels is None else channels[0] // factor**2,
            None if height is None else height[1],
            None if width is None else width[1],
        )


class ZeroPad2d(FixedLayer):
    """Pad images with zeros.

    Input: [batch, channels, height, width]. Output: the same with larger sides. Source: ``torch.nn.ZeroPad2d``.
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
        description="Pixels at all edges, or at [left, right, top, bottom]."
    )

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds, extended to 0."""
        return min(low, 0.0), max(high, 0.0)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a padding of no pixels."""
        if self.padding not in (0, (0, 0, 0, 0)):
            return ()
        message = "zero_pad2d with padding 0 returns the image unchanged."
        return (CheckFailed(message, "Set padding, or remove zero_pad2d.", ("padding",), code="layer-effect"),)

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape with larger sides."""
        edges = (self.padding,) * 4 if isinstance(self.padding, int) else self.padding
        _, height, width = shape
        return (
            shape[0],
            None if height is None else height + edges[2] + edges[3],
            None if width is None else width + edges[0] + edges[1],
        )
