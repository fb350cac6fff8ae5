"""Bases and parameter types of layers, and the inference of sizes from the input."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator

from registry_builtin.torch_modules import bare
from registry_core.components import CheckFailed, Layer, Modules, Shape, written_shape
from registry_core.components.layer import LayerRole
from registry_core.components.types import INTEGER, one_or_list

INPLACE = "If true, overwrites the input with the output; saves memory without changing results."
_KINDS = {1: "features", 2: "sequences", 3: "images"}


def _pair(least: int) -> BeforeValidator:
    def read(value: Any) -> Any:
        pair = [value, value] if isinstance(value, int) else value
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(n) is int and n >= least for n in pair):
            return tuple(pair)
        raise ValueError(f"expected a number or [height, width], integers of at least {least}, not {value!r}")

    return BeforeValidator(read)


Pair = Annotated[tuple[int, int], _pair(1), one_or_list({**INTEGER, "minimum": 1}, 2)]
"""Height and width, each at least 1; a single number sets both."""

Margins = Annotated[tuple[int, int], _pair(0), one_or_list({**INTEGER, "minimum": 0}, 2)]
"""Margins along height and width, each at least 0; a single number sets both."""


def need_rank(shape: Shape, *ranks: int) -> None:
    """Raise CheckFailed unless the shape has one of these numbers of dimensions."""
    if len(shape) in ranks:
        return
    wanted = " or ".join(_KINDS[rank] for rank in ranks)
    if len(shape) > max(ranks):
        remedy = "Put flatten before it." if 1 in ranks else "Put flatten or unflatten before it."
    else:
        remedy = "Put unflatten before it, or move it before the layer that flattens."
    raise CheckFailed(
        f"expects {wanted}, but receives {written_shape(shape)}{' features' * (len(shape) == 1)}.", remedy
    )


def class_name(layer: Layer) -> str:
    """Return the name of the class that the layer builds."""
    return layer.target.partition(":")[2]


def unlimited(low: float, high: float) -> tuple[float, float]:
    """Return the bounds of any multiples of values from ``low`` to ``high`` that keep their signs."""
    return (-math.inf if low < 0 else 0.0), (math.inf if high > 0 else 0.0)


class FixedLayer(Layer):
    """Base of layers without trained parameters, for samples of certain shapes."""

    passes_on: ClassVar[bool] = False
    """True if the output is the input itself, perhaps reshaped, rather than a copy."""
    ranks: ClassVar[tuple[int, ...]] = ()
    """Supported numbers of dimensions of a sample; empty for any."""
    bases: ClassVar[tuple[str, ...]] = ()
    """Bases of its class in torch, besides ``Module``."""
    role: ClassVar[LayerRole] = "affine"

    def with_sizes(self, shape: Shape | None) -> Self:
        """Return the layer unchanged; CheckFailed if the number of dimensions is not supported."""
        if shape is not None and self.ranks:
            need_rank(shape, *self.ranks)
        return self

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds unchanged: the values are those of the input, or means of them."""
        return low, high

    def modules(self) -> Modules | None:
        """Return a module without parameters."""
        return bare(class_name(self), *self.bases)


class ElementwiseLayer(FixedLayer):
    """Base of layers whose output has the shape of the input."""

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the shape unchanged."""
        return shape


class SizedLayer(Layer):
    """Base of layers with one size that is inferred from the input: its channels or features."""

    size_parameter: ClassVar[str] = "in_channels"
    size_words: ClassVar[str] = "channels"
    axis: ClassVar[int] = 0
    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False
    role: ClassVar[LayerRole] = "weights"

    def with_sizes(self, shape: Shape | None) -> Self:
        """Return the layer with its size, inferred from the shape if it was omitted."""
        if shape is not None and self.ranks:
            need_rank(shape, *self.ranks)
        stated, given = getattr(self, self.size_parameter), None if shape is None else shape[self.axis]
        if stated is None and given is None:
            message = f"requires {self.size_parameter}: its input {self.size_words} are not known before the run."
            raise CheckFailed(message, f"Add {self.size_parameter}.")
        if stated is not None and given is not None and stated != given:
            message = f"expects {stated} {self.size_words}, but receives {given}."
            raise CheckFailed(message, f"Set {self.size_parameter} to {given}, or remove it.")
        sized = self if stated is not None else self.model_copy(update={self.size_parameter: given})
        sized.check_size(getattr(sized, self.size_parameter))
        return sized

    def resized(self, shape: Shape) -> Self:
        """Return the layer as if its size had been omitted."""
        return self.model_copy(update={self.size_parameter: None}).with_sizes(shape)

    def check_size(self, size: int) -> None:
        """Raise CheckFailed if the other parameters do not support this size."""


def window_side(
    side: int | None, kernel: int, stride: int, margin: int, dilation: int, ceil: bool = False
) -> int | None:
    """Return the number of windows that fit along a side with this margin at both ends; may be less than 1."""
    if side is None:
        return None
    room = side + 2 * margin - dilation * (kernel - 1) - 1
    if not ceil:
        return room // stride + 1
    windows = math.ceil(room / stride) + 1
    starts_in_margin = (windows - 1) * stride >= side + margin  # which torch does not allow
    return windows - 1 if starts_in_margin else windows


def left(sides: tuple[int | None, ...], shape: Shape, remedy: str) -> tuple[int | None, ...]:
    """Return the sides; CheckFailed if one of them is less than 1."""
    if any(side is not None and side < 1 for side in sides):
        raise CheckFailed(f"reduces {written_shape(shape)} to nothing.", remedy)
    return sides
