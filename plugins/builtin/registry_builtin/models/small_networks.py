"""Facts about the networks of ``objects/nets.py`` and ``objects/dense.py`` before they are built."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from registry_builtin.torch_modules import bare, batch_norm, convolution, linear, recurrent, transposed_convolution
from registry_core.components import Modules, assembled

_POOLING = bare("MaxPool2d", "_MaxPoolNd")


def two_convolutions(
    name: str, in_channels: int, size: tuple[int, int], num_classes: int, paddings: tuple[int, int]
) -> Modules | None:
    """Return the modules of ``net`` and ``lenet``."""
    height, width = (side_after(side, paddings) for side in size)
    children: dict[str, Modules | None] = {
        "conv1": convolution("Conv2d", in_channels, 6, (5, 5)),
        "pool1": _POOLING,
        "conv2": convolution("Conv2d", 6, 16, (5, 5)),
        "pool2": _POOLING,
        "fc1": linear(16 * height * width, 120),
        "fc2": linear(120, 84),
        "fc3": linear(84, num_classes),
    }
    return assembled((name, "_TwoConvolutions"), children)


def side_after(side: int, paddings: tuple[int, int]) -> int:
    """Return the length of a side after both convolutions and poolings; may be less than 1."""
    for padding in paddings:
        side = (side + 2 * padding - 4) // 2
    return side


def multilayer_perceptron(widths: Sequence[int], dropout: float, bias: bool) -> Modules | None:
    """Return the modules of ``mlp`` with these numbers of features."""
    layers = [bare("Flatten")]
    for narrow, wide in pairwise(widths[:-1]):
        layers += [linear(narrow, wide, bias), bare("ReLU")]
        layers += [bare("Dropout", "_DropoutNd")] if dropout else []
    return _in_order(("MLP", "Sequential"), [*layers, linear(widths[-2], widths[-1], bias)])


def u_net(in_channels: int, num_classes: int, width: int, depth: int) -> Modules | None:
    """Return the modules of ``unet``."""
    widths = [width * 2**level for level in range(depth + 1)]
    up = list(zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True))
    children = {
        "down": _in_order(["ModuleList"], [_double(*pair) for pair in pairwise([in_channels, *widths[:-1]])]),
        "pool": _POOLING,
        "bottom": _double(widths[-2], widths[-1]),
        "enlarge": _in_order(["ModuleList"], [transposed_convolution("ConvTranspose2d", i, o, (2, 2)) for i, o in up]),
        "up": _in_order(["ModuleList"], [_double(*pair) for pair in up]),
        "head": convolution("Conv2d", width, num_classes, (1, 1)),
    }
    return assembled(["UNet"], children)


def line_reader(
    in_channels: int, features: int, column: int, hidden: int, num_classes: int, kind: str
) -> Modules | None:
    """Return the modules of ``crnn``, whose recurrent layer has ``column`` input features."""
    layers = [*_normalised(in_channels, features), _POOLING, *_normalised(features, 2 * features), _POOLING]
    children = {
        "convolutions": _in_order(["Sequential"], layers),
        "recurrent": recurrent(kind, 4 if kind == "LSTM" else 3, column, hidden),
        "head": linear(2 * hidden, num_classes),
    }
    return assembled(["CRNN"], children)


def _normalised(in_channels: int, out_channels: int) -> list[Modules]:
    kernels = convolution("Conv2d", in_channels, out_channels, (3, 3), bias=False)
    return [kernels, batch_norm("BatchNorm2d", out_channels), bare("ReLU")]


def _double(in_channels: int, out_channels: int) -> Modules | None:
    layers = [*_normalised(in_channels, out_channels), *_normalised(out_channels, out_channels)]
    return _in_order(["Sequential"], layers)


def _in_order(classes: Sequence[str], modules: Sequence[Modules | None]) -> Modules | None:
    return assembled(classes, {str(place): each for place, each in enumerate(modules)})
