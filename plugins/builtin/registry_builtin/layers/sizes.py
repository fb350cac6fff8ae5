"""What layers share: parameter types, and how they take sizes from what they are given."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator

from registry_builtin.torch_modules import bare
from registry_core.components import CheckFailed, Layer, Modules, Shape, written_shape
from registry_core.components.types import INTEGER, one_or_list

INPLACE = "Write the result over what it is given; changes memory, never results."
_KINDS = {1: "features", 2: "sequences", 3: "images"}


def _pair(least: int) -> BeforeValidator:
    def read(value: Any) -> Any:
        pair = [value, value] if isinstance(value, int) else value
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(n) is int and n >= least for n in pair):
            return tuple(pair)
        raise ValueError(f"expected a number or [height, width], whole and at least {least}, not {value!r}")

    return BeforeValidator(read)


Pair = Annotated[tuple[int, int], _pair(1), one_or_list({**INTEGER, "minimum": 1}, 2)]
"""Height and width, each at least 1; one number stands for both."""

Margins = Annotated[tuple[int, int], _pair(0), one_or_list({**INTEGER, "minimum": 0}, 2)]
"""Of height and width, each at least 0; one number stands for both."""


def need_rank(shape: Shape, *ranks: int) -> None:
    """Raise CheckFailed unless the shape has one of these numbers of sides."""
    if len(shape) in ranks:
        return
    wanted = " or ".join(_KINDS[rank] for rank in ranks)
    if len(shape) > max(ranks):
        remedy = "Put flatten before it." if 1 in ranks else "Put flatten or unflatten before it."
    else:
        remedy = "Put unflatten before it, or the layer before whatever flattens."
    raise CheckFailed(f"takes {wanted}, and is given {written_shape(shape)}{' features' * (len(shape) == 1)}.", remedy)


def class_name(layer: Layer) -> str:
    """The name of the class that the layer builds."""
    return layer.target.partition(":")[2]


class FixedLayer(Layer):
    """A layer without trained numbers, for samples of certain shapes."""

    passes_on: ClassVar[bool] = False
    """Whether its result is what it was given, perhaps in another shape, and not a copy."""
    ranks: ClassVar[tuple[int, ...]] = ()
    """Numbers of sides that a sample may have; empty: any."""
    bases: ClassVar[tuple[str, ...]] = ()
    """What its class in torch derives from, besides ``Module``."""

    def with_sizes(self, shape: Shape | None) -> Self:
        """The layer itself."""
        if shape is not None and self.ranks:
            need_rank(shape, *self.ranks)
        return self

    def modules(self) -> Modules | None:
        """One without parameters."""
        return bare(class_name(self), *self.bases)


class ElementwiseLayer(FixedLayer):
    """A layer whose results have the shape of what it is given."""

    def infer_shape(self, shape: Shape) -> Shape:
        """The same."""
        return shape


class SizedLayer(Layer):
    """A layer with one size that follows from what it is given: its channels or features."""

    size_parameter: ClassVar[str] = "in_channels"
    size_words: ClassVar[str] = "channels"
    axis: ClassVar[int] = 0
    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False

    def with_sizes(self, shape: Shape | None) -> Self:
        """The layer with its size, from the shape if it was left out."""
        if shape is not None and self.ranks:
            need_rank(shape, *self.ranks)
        stated, given = getattr(self, self.size_parameter), None if shape is None else shape[self.axis]
        if stated is None and given is None:
            message = f"needs {self.size_parameter}: the {self.size_words} before it are not known before the run."
            raise CheckFailed(message, "Add it.")
        if stated is not None and given is not None and stated != given:
            message = f"takes {stated} {self.size_words}, and is given {given}."
            raise CheckFailed(message, f"Set {self.size_parameter} to {given}, or leave it out.")
        sized = self if stated is not None else self.model_copy(update={self.size_parameter: given})
        sized.check_size(getattr(sized, self.size_parameter))
        return sized

    def resized(self, shape: Shape) -> Self:
        """The layer as if its size had been left out."""
        return self.model_copy(update={self.size_parameter: None}).with_sizes(shape)

    def check_size(self, size: int) -> None:
        """Raise CheckFailed if the other parameters do not allow this size."""


def window_side(
    side: int | None, kernel: int, stride: int, margin: int, dilation: int, ceil: bool = False
) -> int | None:
    """How often a window fits along a side with this margin at both ends; may be less than 1."""
    if side is None:
        return None
    room = side + 2 * margin - dilation * (kernel - 1) - 1
    if not ceil:
        return room // stride + 1
    windows = math.ceil(room / stride) + 1
    return windows - 1 if (windows - 1) * stride >= side + margin else windows  # none may start in the far margin


def left(sides: tuple[int | None, ...], shape: Shape, remedy: str) -> tuple[int | None, ...]:
    """The sides, if something is left of the image."""
    if any(side is not None and side < 1 for side in sides):
        raise CheckFailed(f"leaves nothing of {written_shape(shape)}.", remedy)
    return sides
