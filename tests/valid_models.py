"""What valid models are: layers that fit what they are given, and every model for images and outputs of a task.

Nothing here asks the declarations: shapes follow from the formulas in the documentation of torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from valid_images import Draw, Picture, number, one_of, some

Sides = tuple[int, ...]
Made = tuple[Any, Sides] | None
"""A layer and what a sample is after it; None: it cannot be put here."""

_MOST = 3000
"""Numbers that a sample may have between two layers."""


def windows(side: int, kernel: int, stride: int, margin: int, dilation: int, *, ceil: bool = False) -> int:
    """How many windows fit along a side."""
    room = (side + 2 * margin - dilation * (kernel - 1) - 1) / stride
    count = (math.ceil(room) if ceil else math.floor(room)) + 1
    return count - 1 if ceil and (count - 1) * stride >= side + margin else count


def convolution(draw: Draw, shape: Sides) -> Made:
    dimensions = len(shape) - 1
    if dimensions not in (1, 2):
        return None
    groups = one_of(draw, 1, shape[0])
    kernels = [draw(st.integers(1, min(length, 4))) for length in shape[1:]]
    reaches = [kernel - 1 for kernel in kernels]
    mode = one_of(draw, "zeros", "reflect", "replicate", "circular")
    same = draw(st.booleans())
    margins = [0 if same else draw(st.integers(0, min(length - 1, 2))) for length in shape[1:]]
    if mode == "reflect" and any(
        reach - reach // 2 > length - 1 for reach, length in zip(reaches, shape[1:], strict=True)
    ):
        mode = "zeros"
    strides = [1 if same else draw(st.integers(1, 3)) for _ in kernels]
    written: Any = "same" if same else margins
    sides = shape[1:] if same else tuple(map(windows, shape[1:], kernels, strides, margins, [1] * dimensions))
    parameters = {"kernel_size": kernels, "stride": strides, "padding": written}
    if dimensions == 1:
        parameters = {name: value[0] if isinstance(value, list) else value for name, value in parameters.items()}
    parameters |= {"out_channels": groups * draw(st.integers(1, 2)), "groups": groups, "padding_mode": mode}
    parameters |= some(draw, bias=lambda: False, in_channels=lambda: shape[0])
    return {f"conv{dimensions}d": parameters}, (parameters["out_channels"], *sides)


def conv_transpose2d(draw: Draw, shape: Sides) -> Made:
    if len(shape) != 3:
        return None
    kernel, stride, dilation = (draw(st.integers(1, most)) for most in (3, 3, 2))
    margin = one_of(draw, 0, (dilation * (kernel - 1)) // 2)
    extra = draw(st.integers(0, max(stride, dilation) - 1))
    parameters = {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": margin}
    channels = draw(st.integers(1, 4))
    sides = [(side - 1) * stride - 2 * margin + dilation * (kernel - 1) + extra + 1 for side in shape[1:]]
    written = {**parameters, "output_padding": extra, "out_channels": channels}
    return ({"conv_transpose2d": written}, (channels, *sides)) if min(sides) >= 1 else None


def pooling(name: str) -> Callable[[Draw, Sides], Made]:
    def make(draw: Draw, shape: Sides) -> Made:
        if len(shape) != 3:
            return None
        kernels = [draw(st.integers(1, min(side, 4))) for side in shape[1:]]
        if kernels == [1, 1]:  # which does nothing
            kernels = [min(side, 2) for side in shape[1:]]
        if kernels == [1, 1]:
            return None
        strides = [draw(st.integers(1, 3)) for _ in kernels]
        margins = [draw(st.integers(0, kernel // 2)) for kernel in kernels]
        ceil = draw(st.booleans())
        sides = [windows(*each, 1, ceil=ceil) for each in zip(shape[1:], kernels, strides, margins, strict=True)]
        more = {} if name == "max_pool2d" else some(draw, count_include_pad=lambda: False, divisor_override=lambda: 2)
        parameters = {"kernel_size": kernels, "stride": strides, "padding": margins, "ceil_mode": ceil, **more}
        return ({name: parameters}, (shape[0], *sides)) if min(sides) >= 1 else None

    return make


def adaptive(name: str) -> Callable[[Draw, Sides], Made]:
    def make(draw: Draw, shape: Sides) -> Made:
        if len(shape) != 3:
            return None
        wanted = [one_of(draw, None, 1, 2, 5) for _ in range(2)]
        sides = [side if size is None else size for size, side in zip(wanted, shape[1:], strict=True)]
        return {name: {"output_size": wanted}}, (shape[0], *sides)

    return make


def norm(name: str) -> Callable[[Draw, Sides], Made]:
    def make(draw: Draw, shape: Sides) -> Made:
        ranks = {"batch_norm1d": (1, 2), "batch_norm2d": (3,), "instance_norm2d": (3,)}[name]
        if len(shape) not in ranks or (name == "instance_norm2d" and shape[1:] == (1, 1)):
            return None
        track = name != "instance_norm2d" and draw(st.booleans())
        options = some(draw, affine=lambda: draw(st.booleans()), momentum=lambda: one_of(draw, None, 0.3))
        return {name: {**options, "track_running_stats": track}}, shape

    return make


def group_norm(draw: Draw, shape: Sides) -> Made:
    if math.prod(shape[1:]) == 1:
        return None
    groups = one_of(draw, *(n for n in range(1, shape[0] + 1) if shape[0] % n == 0))
    return {"group_norm": {"num_groups": groups}}, shape


def layer_norm(draw: Draw, shape: Sides) -> Made:
    if math.prod(shape) == 1:
        return None
    last = shape[draw(st.integers(0, len(shape) - 1)) :]
    last = last if math.prod(last) > 1 else shape
    return {"layer_norm": some(draw, normalized_shape=lambda: list(last), bias=lambda: False)}, shape


def same(name: str, ranks: tuple[int, ...] = (), **parameters: Callable[[Draw], Any]) -> Callable[[Draw, Sides], Made]:
    """A layer that leaves the shape as it is."""

    def make(draw: Draw, shape: Sides) -> Made:
        if ranks and len(shape) not in ranks:
            return None
        chosen = {key: value(draw) for key, value in parameters.items() if draw(st.booleans()) or key == "size"}
        return {name: chosen} if chosen else name, shape

    return make


def across(name: str) -> Callable[[Draw, Sides], Made]:
    def make(draw: Draw, shape: Sides) -> Made:
        dims = [dim for dim, side in enumerate(shape, 1) if side > 1]
        return ({name: {"dim": one_of(draw, *dims, *([-1] if shape[-1] > 1 else []))}}, shape) if dims else None

    return make


def prelu(draw: Draw, shape: Sides) -> Made:
    return {"prelu": {"num_parameters": one_of(draw, 1, shape[0]), "init": number(draw, -1, 1)}}, shape


def linear(draw: Draw, shape: Sides) -> Made:
    if len(shape) == 3:
        return None
    features = draw(st.integers(2, 12))
    options = some(draw, bias=lambda: False, in_features=lambda: shape[-1])
    return {"linear": {"out_features": features, **options}}, (*shape[:-1], features)


def flatten(draw: Draw, shape: Sides) -> Made:
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    after = (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    written = one_of(draw, last + 1, last - len(shape))
    return {"flatten": {"start_dim": first + 1, "end_dim": written}}, after


def unflatten(draw: Draw, shape: Sides) -> Made:
    if len(shape) == 3:
        return None
    place = draw(st.integers(0, len(shape) - 1))
    size = one_of(draw, *(n for n in range(1, shape[place] + 1) if shape[place] % n == 0))
    sizes = [size, shape[place] // size]
    written = one_of(draw, sizes, [size, -1])
    return {"unflatten": {"dim": place + 1, "unflattened_size": written}}, (*shape[:place], *sizes, *shape[place + 1 :])


def upsample(draw: Draw, shape: Sides) -> Made:
    if len(shape) != 3:
        return None
    mode = one_of(draw, "nearest", "nearest-exact", "bilinear", "bicubic")
    corners = {} if mode.startswith("nearest") else some(draw, align_corners=lambda: draw(st.booleans()))
    if draw(st.booleans()):
        sides = [draw(st.integers(1, 12)) for _ in range(2)]
        return {"upsample": {"size": sides, "mode": mode, **corners}}, (shape[0], *sides)
    factor = one_of(draw, 2, 1.5)
    sides = [math.floor(side * factor) for side in shape[1:]]
    return {"upsample": {"scale_factor": factor, "mode": mode, **corners}}, (shape[0], *sides)


def pixel_shuffle(draw: Draw, shape: Sides) -> Made:
    if len(shape) != 3:
        return None
    factor = one_of(draw, *(n for n in (1, 2, 3) if shape[0] % n**2 == 0))
    after = (shape[0] // factor**2, shape[1] * factor, shape[2] * factor)
    return {"pixel_shuffle": {"upscale_factor": factor}}, after


def zero_pad2d(draw: Draw, shape: Sides) -> Made:
    if len(shape) != 3:
        return None
    left, right, top, bottom = edges = [draw(st.integers(0, 2)) for _ in range(3)] + [1]
    return {"zero_pad2d": {"padding": edges}}, (shape[0], shape[1] + top + bottom, shape[2] + left + right)


def block(draw: Draw, shape: Sides) -> Made:
    inner, after = chain(draw, shape, 2)
    return {"block": {"layers": inner}}, after


def repeat(draw: Draw, shape: Sides) -> Made:
    ends = one_of(draw, ["tanh"], ["gelu", "layer_norm"]) if math.prod(shape) > 1 else ["tanh"]
    images = {"conv2d": {"out_channels": shape[0], "kernel_size": 1}}
    inner = [images if len(shape) == 3 else {"linear": {"out_features": shape[-1]}}, *ends]
    return {"repeat": {"times": draw(st.integers(1, 3)), "layers": inner}}, shape


def residual(draw: Draw, shape: Sides) -> Made:
    if len(shape) != 3:
        return {"residual": {"layers": ["silu"], **some(draw, shortcut=lambda: ["tanh"])}}, shape
    channels = draw(st.integers(1, 4))
    size = {"kernel_size": 3, "padding": 1} if max(shape[1:]) > 1 else {"kernel_size": 1}
    one = {"conv2d": {"out_channels": channels, **size}}
    other = {"conv2d": {"out_channels": channels, "kernel_size": 1}}
    return {"residual": {"layers": [one, "elu"], "shortcut": [other]}}, (channels, *shape[1:])


def concat(draw: Draw, shape: Sides) -> Made:
    count = draw(st.integers(1, 3))
    return {"concat": {"branches": ["relu", "identity", "selu"][:count]}}, (shape[0] * count, *shape[1:])


_SLOPE: dict[str, Callable[[Draw], Any]] = {"negative_slope": lambda draw: number(draw, 0, 0.9)}
_P: dict[str, Callable[[Draw], Any]] = {"p": lambda draw: number(draw, 0.1, 0.8)}

LAYERS: dict[str, Callable[[Draw, Sides], Made]] = {
    "conv1d": lambda draw, shape: convolution(draw, shape) if len(shape) == 2 else None,
    "conv2d": lambda draw, shape: convolution(draw, shape) if len(shape) == 3 else None,
    "conv_transpose2d": conv_transpose2d,
    "max_pool2d": pooling("max_pool2d"),
    "avg_pool2d": pooling("avg_pool2d"),
    "adaptive_avg_pool2d": adaptive("adaptive_avg_pool2d"),
    "adaptive_max_pool2d": adaptive("adaptive_max_pool2d"),
    "batch_norm1d": norm("batch_norm1d"),
    "batch_norm2d": norm("batch_norm2d"),
    "instance_norm2d": norm("instance_norm2d"),
    "group_norm": group_norm,
    "layer_norm": layer_norm,
    "local_response_norm": same("local_response_norm", (2, 3), size=lambda draw: draw(st.integers(1, 5))),
    "identity": same("identity"),
    "dropout": same("dropout", **_P),
    "dropout2d": same("dropout2d", (3,), **_P),
    "relu": same("relu"),
    "leaky_relu": same("leaky_relu", **_SLOPE),
    "elu": same("elu", alpha=lambda draw: number(draw, 0.1, 3)),
    "silu": same("silu"),
    "hardswish": same("hardswish"),
    "relu6": same("relu6"),
    "selu": same("selu"),
    "mish": same("mish"),
    "gelu": same("gelu", approximate=lambda draw: one_of(draw, "none", "tanh")),
    "sigmoid": same("sigmoid"),
    "tanh": same("tanh"),
    "softmax": across("softmax"),
    "log_softmax": across("log_softmax"),
    "prelu": prelu,
    "linear": linear,
    "flatten": flatten,
    "unflatten": unflatten,
    "upsample": upsample,
    "pixel_shuffle": pixel_shuffle,
    "zero_pad2d": zero_pad2d,
    "block": block,
    "repeat": repeat,
    "residual": residual,
    "concat": concat,
}

_BEFORE = {
    "conv1d": [{"flatten": {"start_dim": 1, "end_dim": 2}}],
    "linear": ["flatten"],
    "batch_norm1d": ["flatten"],
    "unflatten": ["flatten"],
}
"""What goes before a layer that does not take images."""

_WEIGHTS = ("conv1d", "conv2d", "conv_transpose2d", "linear", "repeat")
_PASSING = ("identity", "flatten", "unflatten", "dropout", "dropout2d")
_AFFINE = (*_PASSING, "batch_norm1d", "batch_norm2d", "avg_pool2d", "adaptive_avg_pool2d")
_AFFINE += ("upsample", "pixel_shuffle", "zero_pad2d")
_ACTIVATIONS = ("relu", "leaky_relu", "elu", "silu", "hardswish", "relu6", "selu", "mish", "gelu", "sigmoid", "tanh")
_ACTIVATIONS += ("softmax", "log_softmax", "prelu")


def names_of(layers: list[Any]) -> list[str]:
    """The names of layers, with those of blocks and repetitions in their place."""
    found: list[str] = []
    for layer in layers:
        name, parameters = (layer, {}) if isinstance(layer, str) else next(iter(layer.items()))
        found += names_of(parameters["layers"]) if name in ("block", "repeat") else [name]
    return found


def makes_sense_after(layers: list[Any], name: str) -> bool:
    """Whether a layer does something after these: an activation after none, weights not after weights alone."""
    if name in _ACTIVATIONS:
        return next((before not in _ACTIVATIONS for before in names_of(layers)[::-1] if before not in _PASSING), True)
    if name in _WEIGHTS:
        return next((before not in _WEIGHTS for before in names_of(layers)[::-1] if before not in _AFFINE), True)
    return True


def chain(draw: Draw, shape: Sides, most: int, wanted: str = "") -> tuple[list[Any], Sides]:
    """Layers that follow each other, and what a sample is at the end; ``wanted`` is among them."""
    names = draw(st.lists(st.sampled_from(sorted(set(LAYERS) - {"block"})), max_size=most))
    if wanted:
        names.insert(0, wanted)
    layers: list[Any] = []
    for place, name in enumerate(names):
        first = bool(wanted) and place == 0
        if not makes_sense_after(layers, name):
            continue
        if first and name in _BEFORE:
            layers += _BEFORE[name]
            shape = (math.prod(shape[:2]), shape[2]) if name == "conv1d" else (math.prod(shape),)
        made = LAYERS[name](draw, shape)
        if made is not None and (first or math.prod(made[1]) <= _MOST):
            layers.append(made[0])
            shape = made[1]
    return layers or ["identity"], shape


def sequential(draw: Draw, p: Picture, outputs: Sides, wanted: str = "") -> dict[str, Any]:
    """Random layers for such images, with a last one that emits what a task asks for.

    ``outputs`` has one side for a row of numbers, two for rows, and three for numbers of every pixel.
    """
    layers, shape = chain(draw, (p.channels, *p.size), 5, wanted)
    layers += [] if makes_sense_after(layers, "linear") else ["relu"]
    if len(outputs) == 3:
        layers += _to_image(shape)
        layers += [{"upsample": {"size": p.size}}, {"conv2d": {"out_channels": outputs[0], "kernel_size": 1}}]
    elif len(outputs) == 2:
        layers += {1: [{"unflatten": {"dim": 1, "unflattened_size": [1, -1]}}], 3: [{"flatten": {"start_dim": 2}}]}.get(
            len(shape), []
        )
        rows = {"conv1d": {"out_channels": outputs[0], "kernel_size": 1}}
        layers += [rows, "relu", {"linear": {"out_features": outputs[1]}}]
    else:
        layers += ["flatten", {"linear": {"name": "last", "out_features": outputs[0]}}]
    return {"input": [p.channels, *p.size], "layers": layers}


def _to_image(shape: Sides) -> list[Any]:
    sides = {1: [1, 1, -1], 2: [1, -1]}.get(len(shape))
    return [] if sides is None else [{"unflatten": {"dim": 1, "unflattened_size": sides}}]


def halved_twice(side: int, margins: tuple[int, int]) -> int:
    """A side after two convolutions of 5 x 5 with such margins, each with pooling of 2 x 2."""
    for margin in margins:
        side = (side + 2 * margin - 4) // 2
    return side


def row_models(draw: Draw, p: Picture, count: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """The models that emit ``count`` numbers for such an image."""
    taken = {"in_channels": p.channels, "size": p.size, "num_classes": count}
    found: dict[str, Callable[[], dict[str, Any]]] = {
        "mlp": lambda: {
            **taken,
            "hidden": [draw(st.integers(1, 16)) for _ in range(draw(st.integers(0, 2)))],
            **some(draw, dropout=lambda: number(draw, 0.1, 0.8), bias=lambda: False),
        },
        "sequential": lambda: sequential(draw, p, (count,)),
    }
    if all(halved_twice(side, (2, 2)) >= 1 for side in p.size):
        found["net"] = lambda: {**taken, "padding": 2}
    if all(halved_twice(side, (2, 0)) >= 1 for side in p.size):
        found["lenet"] = lambda: taken
    if p.usual and p.form == "float":
        more = some(draw, mode=lambda: "mean", levels=lambda: draw(st.integers(1, 255)))
        found["sparse_bag"] = lambda: {**taken, **more}
    return found


def torchvision_model(draw: Draw, p: Picture, count: int) -> dict[str, Any]:
    """A small architecture of torchvision that takes images of this size."""
    archs = ["resnet18", "shufflenet_v2_x0_5"]
    archs += ["squeezenet1_1"] if min(p.size) >= 17 else []
    return {"arch": one_of(draw, *archs), "num_classes": count, "in_channels": p.channels}
