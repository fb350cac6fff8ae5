"""Layers: convolutions."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from registry_builtin.layers.sizes import Margins, Pair, SizedLayer, class_name, left, window_side
from registry_builtin.torch_modules import convolution, transposed_convolution
from registry_core.components import CheckFailed, Modules, Shape
from registry_core.components.types import NonNegativeInt, PositiveInt

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
_IN = "Channels of what it is given; default: as many as there are."
_OUT = "Channels of the result: how many kernels."
_KERNEL = "Height and width of the kernel; one number stands for both."
_STRIDE = "Steps between two places of the kernel, down and to the right; one number stands for both."
_PADDING = "Pixels at each edge, [top and bottom, left and right]; same: the result is as large; valid: none."
_DILATION = "Distance between the kernel's elements; one number stands for both."
_GROUPS = "Groups of channels that are convolved apart; divides in_channels and out_channels."
_BIAS = "Whether a number is added to each channel of the result."
_MODE = "What stands in the padding: zeros, the image mirrored, its nearest edge, or its other end."
_SMALLER = "Add padding, take a smaller kernel, or pool less before it."


class _Convolution(SizedLayer):
    """What convolutions share."""

    in_channels: PositiveInt | None = Field(default=None, description=_IN)
    out_channels: PositiveInt = Field(description=_OUT)
    groups: PositiveInt = Field(default=1, description=_GROUPS)
    bias: bool = Field(default=True, description=_BIAS)

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        if self.out_channels % self.groups:
            raise ValueError(
                f"groups {self.groups} does not divide out_channels {self.out_channels}; change one of them"
            )
        if self.in_channels is not None and self.in_channels % self.groups:
            raise ValueError(f"groups {self.groups} does not divide in_channels {self.in_channels}; change one of them")
        return self

    def check_size(self, size: int) -> None:
        """Raise CheckFailed if the groups do not divide the channels."""
        if size % self.groups:
            message = f"has {self.groups} groups, which do not divide the {size} channels that it is given."
            raise CheckFailed(message, "Change groups.")

    def modules(self) -> Modules | None:
        """A kernel for each pair of channels in a group, and a bias."""
        if self.in_channels is None:
            return None
        made = transposed_convolution if isinstance(self, ConvTranspose2d) else convolution
        return made(class_name(self), self.in_channels, self.out_channels, self._kernel(), self.groups, self.bias)

    def _kernel(self) -> tuple[int, ...]:
        raise NotImplementedError


def _check_mode(mode: str, padding: int, side: int | None) -> None:
    longest = {"reflect": (side or 0) - 1, "circular": side or 0}.get(mode, padding)
    if side is not None and padding > longest:
        message = f"pads a side of {side} with {padding} in padding_mode {mode}, which can add {longest}."
        raise CheckFailed(message, "Pad less, or choose padding_mode: zeros.")


class Conv1d(_Convolution):
    """Slide kernels along sequences and add up the products.

    In: floats [batch, in_channels, length]; out: [batch, out_channels, new length]. New length: floor((length +
    2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. Source: ``torch.nn.Conv1d``.
    """

    target = "torch.nn:Conv1d"
    ranks: ClassVar[tuple[int, ...]] = (2,)
    example: ClassVar = {"out_channels": 16, "kernel_size": 3, "padding": "same"}

    kernel_size: PositiveInt = Field(description="Length of the kernel.")
    stride: PositiveInt = Field(default=1, description="Steps between two places of the kernel.")
    padding: NonNegativeInt | Literal["same", "valid"] = Field(
        default=0, description="Elements at each end; same: the result is as long; valid: none."
    )
    dilation: PositiveInt = Field(default=1, description="Distance between the kernel's elements.")
    padding_mode: PaddingMode = Field(default="zeros", description=_MODE)

    @model_validator(mode="after")
    def _same_has_stride_1(self) -> Self:
        if self.padding == "same" and self.stride != 1:
            raise ValueError("padding 'same' needs stride 1; leave out stride, or write padding as a number")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """The kernels are the channels, and the length shrinks."""
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
    """Slide kernels over images and add up the products.

    In: floats [batch, in_channels, height, width]; out: [batch, out_channels, new height, new width]. New side:
    floor((side + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1. Source: ``torch.nn.Conv2d``.
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
            raise ValueError("padding 'same' needs stride 1; leave out stride, or write padding as a number")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """The kernels are the channels, and the sides shrink."""
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
    """Spread every pixel out by kernels and add up where they overlap: enlarges images.

    In: floats [batch, in_channels, height, width]; out: [batch, out_channels, new height, new width]. New side:
    (side - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1. Source:
    ``torch.nn.ConvTranspose2d``; Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """

    target = "torch.nn:ConvTranspose2d"
    example: ClassVar = {"out_channels": 16, "kernel_size": 2, "stride": 2}

    kernel_size: Pair = Field(description=_KERNEL)
    stride: Pair = Field(default=(1, 1), description="Steps between two places of the kernel in the result.")
    padding: Margins = Field(default=(0, 0), description="Pixels cut off at each edge of the result.")
    output_padding: Margins = Field(
        default=(0, 0), description="Pixels added at the bottom and right of the result; less than stride or dilation."
    )
    dilation: Pair = Field(default=(1, 1), description=_DILATION)

    @model_validator(mode="after")
    def _output_padding_is_small(self) -> Self:
        for extra, stride, dilation in zip(self.output_padding, self.stride, self.dilation, strict=True):
            if extra >= max(stride, dilation):
                raise ValueError(f"output_padding {extra} must be less than stride {stride} or dilation {dilation}")
        return self

    def infer_shape(self, shape: Shape) -> Shape:
        """The kernels are the channels, and the sides grow."""
        sides = tuple(
            None if side is None else (side - 1) * stride - 2 * margin + dilation * (kernel - 1) + extra + 1
            for side, kernel, stride, margin, extra, dilation in zip(
                shape[1:], self.kernel_size, self.stride, self.padding, self.output_padding, self.dilation, strict=True
            )
        )
        return (self.out_channels, *left(sides, shape, "Set a smaller padding."))

    def _kernel(self) -> tuple[int, ...]:
        return self.kernel_size
