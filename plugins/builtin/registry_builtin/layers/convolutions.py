"""Layers: convolutions."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.layers.sizes import Margins, Pair, SizedLayer, class_name, left, window_side
from registry_builtin.torch_modules import convolution, transposed_convolution
from registry_core.components import CheckFailed, Modules, ParameterError, Shape
from registry_core.components.forms import counted
from registry_core.components.types import NonNegativeInt, PositiveInt

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
_IN = "Number of input channels; default: inferred."
_OUT = "Number of output channels."
_KERNEL = "Height and width of the kernel; a single number sets both."
_STRIDE = "Stride of the convolution, down and to the right; a single number sets both."
_PADDING = "Padding at each edge, [top and bottom, left and right]; same keeps the size, valid adds none."
_DILATION = "Spacing between kernel elements; a single number sets both directions."
_GROUPS = "Number of blocked connections from input to output channels; must divide in_channels and out_channels."
_BIAS = "If true, adds a trained bias to each output channel."
_MODE = "Content of the padding: zeros, the mirrored input, its nearest edge, or its opposite edge."
_SMALLER = "Add padding, use a smaller kernel_size, or pool less before it."


class _Convolution(SizedLayer):
    """Base of the convolutions."""

    in_channels: PositiveInt | None = Field(default=None, description=_IN)
    out_channels: PositiveInt = Field(description=_OUT)
    groups: PositiveInt = Field(default=1, description=_GROUPS)
    bias: bool = Field(default=True, description=_BIAS)

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.out_channels % self.groups:
            message = f"`groups` must divide out_channels, but {self.groups} does not divide {self.out_channels}"
            raise ParameterError(message, "Change one of them")
        if self.in_channels is not None and self.in_channels % self.groups:
            message = f"`groups` must divide in_channels, but {self.groups} does not divide {self.in_channels}"
            raise ParameterError(message, "Change one of them")
        return self

    def check_size(self, size: int) -> None:
        """Raise CheckFailed if the groups do not divide the channels."""
        if size % self.groups:
            message = f"has {self.groups} groups, which do not divide its {counted(size, 'input channel')}."
            raise CheckFailed(message, "Change groups.")

    def modules(self) -> Modules | None:
        """Return the module with its kernels and bias."""
        if self.in_channels is None:
            return None
        made = transposed_convolution if isinstance(self, ConvTranspose2d) else convolution
        return made(class_name(self), self.in_channels, self.out_channels, self._kernel(), self.groups, self.bias)

    def _kernel(self) -> tuple[int, ...]:
        raise NotImplementedError


def _check_mode(mode: str, padding: int, side: int | None) -> None:
    longest = {"reflect": (side or 0) - 1, "circular": side or 0}.get(mode, padding)
    if side is not None and padding > longest:
        message = f"pads a side of {side} by {padding}, but padding_mode {mode} can add at most {longest}."
        raise CheckFailed(message, "Pad less, or set padding_mode: zeros.")


class Conv1d(_Convolution):
    """1D convolution.

    Input: floats [batch, in_channels, length]. Output: [batch, out_channels, new length], where new length is
    floor((length + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. Source: ``torch.nn.Conv1d``.
    """

    target = "torch.nn:Conv1d"
    ranks: ClassVar[tuple[int, ...]] = (2,)
    example: ClassVar = {"out_channels": 16, "kernel_size": 3, "padding": "same"}

    kernel_size: PositiveInt = Field(description="Length of the kernel.")
    stride: PositiveInt = Field(default=1, description="Stride of the convolution.")
    padding: NonNegativeInt | Literal["same", "valid"] = Field(
        default=0, description="Padding at each end; same keeps the length, valid adds none."
    )
    dilation: PositiveInt = Field(default=1, description="Spacing between kernel elements.")
    padding_mode: PaddingMode = Field(default="zeros", description=_MODE)

    @model_validator(mode="after")
    def _same_has_stride_1(self) -> Self:
        if self.padding == "same" and self.stride != 1:
            raise ParameterError("padding 'same' requires stride 1", "Remove stride, or write padding as a number")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the output shape; CheckFailed if the input is too small."""
        length = shape[1]
        reach = self.dilation * (self.kernel_size - 1)
        padding = self.padding if isinstance(self.padding, int) else 0
        _check_mode(self.padding_mode, reach - reach // 2 if self.padding == "same" else padding, length)
        if self.padding != "same":
            length = window_side(length, self.kernel_size, self.stride, padding, self.dilation)
        return (self.out_channels, *left((length,), shape, _SMALLER))

    def _kernel(self) -> tuple[int, ...]:
        return (self.kernel_size,)


class Conv2d(_Convolution):
    """2D convolution.

    Input: floats [batch, in_channels, height, width]. Output: [batch, out_channels, new height, new width], where a new
    side is floor((side + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. Source: ``torch.nn.Conv2d``.
    """

    target = "torch.nn:Conv2d"
    example: ClassVar = {"name": "conv1", "out_channels": 6, "kernel_size": 5}

    kernel_size: Pair = Field(description=_KERNEL)
    stride: Pair = Field(default=(1, 1), description=_STRIDE)
    padding: Margins | Literal["same", "valid"] = Field(default=(0, 0), description=_PADDING)
    dilation: Pair = Field(default=(1, 1), description=_DILATION)
    padding_mode: PaddingMode = Field(default="zeros", description=_MODE)

    @model_validator(mode="after")
    def _same_has_stride_1(self) -> Self:
        if self.padding == "same" and self.stride != (1, 1):
            raise ParameterError("padding 'same' requires stride 1", "Remove stride, or write padding as a number")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the output shape; CheckFailed if the input is too small."""
        sides = []
        margins = self.padding if isinstance(self.padding, tuple) else (0, 0)
        for side, kernel, stride, margin, dilation in zip(
            shape[1:], self.kernel_size, self.stride, margins, self.dilation, strict=True
        ):
            reach = dilation * (kernel - 1)
            same = self.padding == "same"
            _check_mode(self.padding_mode, reach - reach // 2 if same else margin, side)
            sides.append(side if same else window_side(side, kernel, stride, margin, dilation))
        return (self.out_channels, *left(tuple(sides), shape, _SMALLER))

    def _kernel(self) -> tuple[int, ...]:
        return self.kernel_size


class ConvTranspose2d(_Convolution):
    """2D transposed convolution, which upsamples its input.

    Input: floats [batch, in_channels, height, width]. Output: [batch, out_channels, new height, new width], where a new
    side is (side - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1. Source:
    ``torch.nn.ConvTranspose2d``; Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """

    target = "torch.nn:ConvTranspose2d"
    example: ClassVar = {"out_channels": 16, "kernel_size": 2, "stride": 2}

    kernel_size: Pair = Field(description=_KERNEL)
    stride: Pair = Field(default=(1, 1), description="Stride of the kernel in the output.")
    padding: Margins = Field(default=(0, 0), description="Pixels removed from each edge of the output.")
    output_padding: Margins = Field(
        default=(0, 0), description="Pixels added at the bottom and right of the output; less than stride or dilation."
    )
    dilation: Pair = Field(default=(1, 1), description=_DILATION)

    @model_validator(mode="after")
    def _output_padding_is_small(self) -> Self:
        for extra, stride, dilation in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if extra >= max(stride, dilation):
                message = f"`output_padding` must be less than stride ({stride}) or dilation ({dilation}), not {extra}"
                raise ParameterError(message, "Lower output_padding, or raise stride or dilation")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """Return the output shape; CheckFailed if nothing of it is left."""
        sides = tuple(
            None if side is None else (side - 1) * stride - 2 * margin + dilation * (kernel - 1) + extra + 1
            for side, kernel, stride, margin, extra, dilation in zip(
                shape[1:], self.kernel_size, self.stride, self.padding, self.output_padding, self.dilation, strict=True
            )
        )
        return (self.out_channels, *left(sides, shape, "Set a smaller padding."))

    def _kernel(self) -> tuple[int, ...]:
        return self.kernel_size
