"""Layers: pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from registry_builtin.layers.sizes import FixedLayer, Margins, Pair, left, unlimited, window_side
from registry_core.components import CheckFailed, ParameterError, RunFacts, Shape
from registry_core.components.layer import LayerRole
from registry_core.components.types import INTEGER, PositiveInt, one_or_list


def _sides(value: Any) -> Any:
    pair = value if isinstance(value, (list, tuple)) else [value, value]
    if len(pair) == 2 and all(side is None or (type(side) is int and side >= 1) for side in pair):
        return tuple(pair)
    raise ValueError(f"expected a side or [height, width], integers of at least 1 (null keeps the side), not {value!r}")


_SIDE = {"anyOf": [{**INTEGER, "minimum": 1}, {"type": "null"}]}

OutputSize = Annotated[tuple[int | None, int | None], BeforeValidator(_sides), one_or_list(_SIDE, 2)]
"""Height and width, null to keep a side; a single number sets both."""

_WINDOW = "Height and width of the window; a single number sets both."
_STRIDE = "Stride of the window, down and to the right; default: kernel_size."
_PADDING = "Padding at each edge, [top and bottom, left and right]; at most half of kernel_size."
_CEIL = "If true, a partial window at the end is included."
_OUTPUT = "Height and width of the output, null to keep a side; a single number sets both."
_LESS = "Use a smaller kernel_size, or pool less before it."


class _Pooling(FixedLayer):
    """Base of pooling with a window."""

    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False
    example: ClassVar = {"kernel_size": 2}

    kernel_size: Pair = Field(description=_WINDOW)
    stride: Pair | None = Field(default=None, description=_STRIDE)
    padding: Margins = Field(default=(0, 0), description=_PADDING)
    ceil_mode: bool = Field(default=False, description=_CEIL)

    def _dilations(self) -> tuple[int, int]:
        return (1, 1)

    def warnings(self, facts: RunFacts) -> Sequence[CheckFailed]:
        """Warn of a window of one pixel, which leaves the image as it is."""
        if self.kernel_size != (1, 1) or self.stride not in (None, (1, 1)) or self.padding != (0, 0):
            return ()
        message = f"{self.name} with kernel_size 1 returns the image unchanged."
        return (CheckFailed(message, "Set a larger kernel_size, or remove it.", ("kernel_size",), code="layer-effect"),)

    @model_validator(mode="after")
    def _padding_is_small(self) -> Self:
        for margin, kernel in zip(self.padding, self.kernel_size, strict=True):
            if margin > kernel // 2:
                message = f"`padding` must be at most half of kernel_size ({kernel}), not {margin}"
                raise ParameterError(message, f"Set padding to {kernel // 2} or less")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the output shape, one pixel per window; CheckFailed if the input is too small."""
        sides = tuple(
            window_side(side, kernel, stride, margin, dilation, self.ceil_mode)
            for side, kernel, stride, margin, dilation in zip(
                shape[1:],
                self.kernel_size,
                self.stride or self.kernel_size,
                self.padding,
                self._dilations(),
                strict=True,
            )
        )
        return (shape[0], *left(sides, shape, _LESS))


class MaxPool2d(_Pooling):
    """2D max pooling.

    Input: floats [batch, channels, height, width]. Output: the same with new sides floor((side + 2 padding - dilation
    (kernel_size - 1) - 1) / stride) + 1. Padding is negative infinity. Source: ``torch.nn.MaxPool2d``.
    """

    target = "torch.nn:MaxPool2d"
    role: ClassVar[LayerRole] = "other"
    bases: ClassVar[tuple[str, ...]] = ("_MaxPoolNd",)

    dilation: Pair = Field(default=(1, 1), description="Spacing between the elements of the window.")

    def _dilations(self) -> tuple[int, int]:
        return self.dilation


class AvgPool2d(_Pooling):
    """2D average pooling.

    Input: floats [batch, channels, height, width]. Output: the same with new sides floor((side + 2 padding -
    kernel_size) / stride) + 1. Source: ``torch.nn.AvgPool2d``.
    """

    target = "torch.nn:AvgPool2d"
    bases: ClassVar[tuple[str, ...]] = ("_AvgPoolNd",)

    count_include_pad: bool = Field(default=True, description="If true, padding is included in the mean, as zeros.")
    divisor_override: PositiveInt | None = Field(
        default=None, description="Divisor of the sum; default: the size of the window."
    )

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Return the bounds of means, of which padding may be a part; of sums, only their signs."""
        low, high = (min(low, 0.0), max(high, 0.0)) if self.padding != (0, 0) else (low, high)
        return (low, high) if self.divisor_override is None else unlimited(low, high)


class _AdaptivePooling(FixedLayer):
    """Base of pooling to a given size."""

    ranks: ClassVar[tuple[int, ...]] = (3,)
    saves_output: ClassVar[bool] = False
    example: ClassVar = {"output_size": 1}

    output_size: OutputSize = Field(description=_OUTPUT)

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the requested sides."""
        return (shape[0], *(wanted or side for wanted, side in zip(self.output_size, shape[1:], strict=True)))


class AdaptiveAvgPool2d(_AdaptivePooling):
    """2D adaptive average pooling to `output_size`; 1 is global average pooling.

    Input: floats [batch, channels, height, width]. Output: [batch, channels, *output_size]. Source:
    ``torch.nn.AdaptiveAvgPool2d``.
    """

    target = "torch.nn:AdaptiveAvgPool2d"
    bases: ClassVar[tuple[str, ...]] = ("_AdaptiveAvgPoolNd",)


class AdaptiveMaxPool2d(_AdaptivePooling):
    """2D adaptive max pooling to `output_size`; 1 is global max pooling.

    Input: floats [batch, channels, height, width]. Output: [batch, channels, *output_size]. Source:
    ``torch.nn.AdaptiveMaxPool2d``.
    """

    target = "torch.nn:AdaptiveMaxPool2d"
    role: ClassVar[LayerRole] = "other"
    bases: ClassVar[tuple[str, ...]] = ("_AdaptiveMaxPoolNd",)
