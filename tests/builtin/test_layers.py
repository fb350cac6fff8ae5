"""Layers: built, they are torch's; the shapes that are worked out without torch are those that torch gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from registry_builtin.layers.sizes import SizedLayer
from torch import Tensor, nn

from registry_core.components import CheckFailed, Layer
from registry_core.registry import registries

LAYERS = registries.layers


def made(component: str, **parameters: Any) -> Layer:
    """A layer as a pipeline file declares it, with nested layers in place."""
    for key in ("layers", "shortcut", "branches"):
        if key in parameters:
            parameters[key] = tuple(nested(item) for item in parameters[key])
    return LAYERS[component].model_validate(parameters).with_record(component, LAYERS.record(component))


def nested(item: Any) -> Layer:
    if isinstance(item, str):
        return made(item)
    ((name, parameters),) = item.items()
    return made(name, **parameters)


def same(name: str, parameters: dict[str, Any], reference: Callable[[], nn.Module], *shape: int) -> Any:
    """A row: parameters of the file, the torch module by hand, a sample."""
    torch_name = f"torch.nn.{type(reference()).__name__}"
    return pytest.param(
        name, parameters, reference, shape, marks=pytest.mark.covers(f"layer/{name}", reference=torch_name)
    )


# fmt: off
ROWS = [
    same("conv1d", {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, "padding_mode": "reflect"},
         lambda: nn.Conv1d(2, 4, 3, stride=2, padding=1, padding_mode="reflect"), 2, 9),
    same("conv2d", {"out_channels": 4, "kernel_size": [3, 2], "stride": 2, "padding": [1, 0], "dilation": [1, 2],
                    "groups": 2, "bias": False, "padding_mode": "circular"},
         lambda: nn.Conv2d(2, 4, (3, 2), 2, (1, 0), (1, 2), 2, False, "circular"), 2, 9, 7),
    same("conv2d", {"out_channels": 3, "kernel_size": 5, "padding": "same"},
         lambda: nn.Conv2d(2, 3, 5, padding="same"), 2, 6, 4),
    same("conv_transpose2d", {"out_channels": 4, "kernel_size": 3, "stride": [2, 3], "padding": 1,
                              "output_padding": [1, 2], "groups": 2, "bias": False, "dilation": 2},
         lambda: nn.ConvTranspose2d(2, 4, 3, (2, 3), 1, (1, 2), 2, False, 2), 2, 4, 5),
    same("max_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": [1, 2], "ceil_mode": True},
         lambda: nn.MaxPool2d((3, 3), (2, 2), (1, 1), (1, 2), ceil_mode=True), 2, 9, 8),
    same("avg_pool2d", {"kernel_size": [2, 3], "padding": [0, 1], "ceil_mode": True, "count_include_pad": False,
                        "divisor_override": 5},
         lambda: nn.AvgPool2d((2, 3), None, (0, 1), True, False, 5), 2, 9, 8),
    same("adaptive_avg_pool2d", {"output_size": [3, None]}, lambda: nn.AdaptiveAvgPool2d((3, None)), 2, 7, 5),
    same("adaptive_max_pool2d", {"output_size": 2}, lambda: nn.AdaptiveMaxPool2d((2, 2)), 2, 7, 5),
    same("batch_norm1d", {"momentum": None, "eps": 0.01}, lambda: nn.BatchNorm1d(5, 0.01, None), 5),
    same("batch_norm1d", {"affine": False}, lambda: nn.BatchNorm1d(5, affine=False), 5, 4),
    same("batch_norm2d", {"momentum": 0.3, "track_running_stats": False},
         lambda: nn.BatchNorm2d(3, momentum=0.3, track_running_stats=False), 3, 4, 4),
    same("instance_norm2d", {"affine": True, "track_running_stats": True, "eps": 0.1, "momentum": 0.5},
         lambda: nn.InstanceNorm2d(3, 0.1, 0.5, True, True), 3, 4, 4),
    same("group_norm", {"num_groups": 2, "eps": 0.1}, lambda: nn.GroupNorm(2, 4, 0.1), 4, 3, 3),
    same("layer_norm", {}, lambda: nn.LayerNorm((3, 2)), 3, 2),
    same("layer_norm", {"normalized_shape": 2, "bias": False, "eps": 0.1},
         lambda: nn.LayerNorm(2, 0.1, bias=False), 3, 2),
    same("layer_norm", {"elementwise_affine": False}, lambda: nn.LayerNorm(6, elementwise_affine=False), 6),
    same("local_response_norm", {"size": 3, "alpha": 0.5, "beta": 0.6, "k": 2.0},
         lambda: nn.LocalResponseNorm(3, 0.5, 0.6, 2.0), 5, 3, 3),
    same("linear", {"out_features": 4, "bias": False}, lambda: nn.Linear(3, 4, bias=False), 3),
    same("linear", {"out_features": 4, "in_features": 3}, lambda: nn.Linear(3, 4), 5, 3),
    same("flatten", {}, nn.Flatten, 3, 4, 5),
    same("flatten", {"start_dim": 2, "end_dim": 3}, lambda: nn.Flatten(2, 3), 3, 4, 5),
    same("unflatten", {"unflattened_size": [2, -1, 3]}, lambda: nn.Unflatten(1, (2, -1, 3)), 12),
    same("dropout", {"p": 0.3, "inplace": True}, lambda: nn.Dropout(0.3, True), 40),
    same("dropout2d", {"p": 0.3}, lambda: nn.Dropout2d(0.3), 10, 2, 2),
    same("identity", {}, nn.Identity, 3),
    same("upsample", {"scale_factor": [2, 1.5], "mode": "bilinear", "align_corners": True},
         lambda: nn.Upsample(scale_factor=(2, 1.5), mode="bilinear", align_corners=True), 2, 3, 5),
    same("upsample", {"size": 7, "mode": "nearest-exact"}, lambda: nn.Upsample((7, 7), mode="nearest-exact"), 2, 3, 5),
    same("pixel_shuffle", {"upscale_factor": 2}, lambda: nn.PixelShuffle(2), 8, 3, 2),
    same("zero_pad2d", {"padding": [1, 2, 3, 4]}, lambda: nn.ZeroPad2d((1, 2, 3, 4)), 2, 3, 3),
    same("zero_pad2d", {"padding": 2}, lambda: nn.ZeroPad2d(2), 2, 3, 3),
    same("relu", {"inplace": True}, lambda: nn.ReLU(True), 3),
    same("relu6", {}, nn.ReLU6, 3),
    same("leaky_relu", {"negative_slope": 0.3}, lambda: nn.LeakyReLU(0.3), 3),
    same("elu", {"alpha": 0.3}, lambda: nn.ELU(0.3), 3),
    same("selu", {}, nn.SELU, 3),
    same("silu", {}, nn.SiLU, 3),
    same("mish", {}, nn.Mish, 3),
    same("hardswish", {}, nn.Hardswish, 3),
    same("gelu", {"approximate": "tanh"}, lambda: nn.GELU("tanh"), 3),
    same("sigmoid", {}, nn.Sigmoid, 3),
    same("tanh", {}, nn.Tanh, 3),
    same("softmax", {"dim": -1}, lambda: nn.Softmax(-1), 3, 4),
    same("log_softmax", {}, lambda: nn.LogSoftmax(1), 3, 4),
    same("prelu", {"num_parameters": 3, "init": 0.1}, lambda: nn.PReLU(3, 0.1), 3, 4),
    same("block", {"layers": [{"linear": {"out_features": 2}}, "relu"]},
         lambda: nn.Sequential(nn.Linear(3, 2), nn.ReLU()), 3),
    same("repeat", {"times": 2, "layers": [{"linear": {"out_features": 2}}, "tanh"]},
         lambda: nn.Sequential(*(nn.Sequential(nn.Linear(n, 2), nn.Tanh()) for n in (3, 2))), 3),
]
# fmt: on


@pytest.mark.parametrize(("name", "parameters", "reference", "shape"), ROWS)
def test_a_layer_is_torch_s(
    name: str, parameters: dict[str, Any], reference: Callable[[], nn.Module], shape: tuple[int, ...]
) -> None:
    """The same class with the same first values and outputs, the predicted shape and count of numbers."""
    layer = made(name, **parameters).with_sizes(shape)
    torch.manual_seed(1)
    ours = layer.build()
    torch.manual_seed(1)
    theirs = reference()
    assert type(ours) is type(theirs)
    assert repr(ours) == repr(theirs)
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
    values = torch.randn(4, *shape) * 4
    for training in (True, False):
        torch.manual_seed(2)
        given = ours.train(training)(values.clone())
        torch.manual_seed(2)
        assert torch.equal(given, theirs.train(training)(values.clone()))
        assert given.shape[1:] == layer.infer_shape(shape)
    assert layer.count_parameters() == sum(parameter.numel() for parameter in ours.parameters())


def test_every_layer_is_compared() -> None:
    compared = {row.values[0] for row in ROWS}
    assert {name for name in LAYERS if LAYERS.record(name).distribution == "registry-core"} - compared == {
        "residual",
        "concat",
    }


@pytest.mark.covers("layer/residual", reference="the formula with torch.nn.functional")
def test_residual_by_formula() -> None:
    """layer/residual: layers(x) + shortcut(x), with the shortcut left out too."""
    body = [{"conv2d": {"name": "a", "out_channels": 3, "kernel_size": 3, "padding": 1}}, "tanh"]
    plain = made("residual", layers=body).with_sizes((3, 5, 5))
    projected = made("residual", layers=body, shortcut=[{"conv2d": {"out_channels": 3, "kernel_size": 1}}]).with_sizes(
        (2, 5, 5)
    )
    for layer, channels in ((plain, 3), (projected, 2)):
        built = layer.build()
        values = torch.randn(2, channels, 5, 5)
        state = built.state_dict()
        shortcut = values
        if channels == 2:
            shortcut = nn.functional.conv2d(values, state["shortcut.0.weight"], state["shortcut.0.bias"])
        inner = nn.functional.conv2d(values, state["layers.a.weight"], state["layers.a.bias"], padding=1).tanh()
        assert torch.equal(built(values), inner + shortcut)
        assert layer.infer_shape((channels, 5, 5)) == (3, 5, 5)
        assert layer.count_parameters() == sum(parameter.numel() for parameter in built.parameters())


@pytest.mark.covers("layer/concat", reference="torch.cat")
def test_concat_by_formula() -> None:
    """layer/concat: what the branches give behind each other, with their names."""
    layer = made("concat", branches=[{"conv2d": {"name": "a", "out_channels": 3, "kernel_size": 1}}, "tanh"])
    sized = layer.with_sizes((2, 4, 4))
    built, values = sized.build(), torch.randn(2, 2, 4, 4)
    assert list(built.state_dict()) == ["a.weight", "a.bias"]
    assert torch.equal(built(values), torch.cat([built.a(values), values.tanh()], 1))
    assert sized.infer_shape((2, 4, 4)) == (5, 4, 4)
    assert sized.count_parameters() == 2 * 3 + 3
    features = made("concat", branches=["identity", {"linear": {"out_features": 3}}]).with_sizes((4,))
    assert features.build()(torch.zeros(2, 4)).shape == (2, *features.infer_shape((4,)))


class Drawn(random.Random):
    """Random parameters and shapes."""

    def side(self, least: int = 1, most: int = 4) -> int:
        return self.randint(least, most)

    def pair(self, least: int = 1, most: int = 4) -> Any:
        return self.choice([self.side(least, most), [self.side(least, most), self.side(least, most)]])

    def shape(self, name: str) -> tuple[int, ...]:
        """A sample, mostly one that the layer takes."""
        image = (self.side(), self.side(1, 9), self.side(1, 9))
        ranks = getattr(LAYERS[name], "ranks", ()) or (1, 2, 3)
        return image[: self.choice([*ranks * 4, 1, 2, 3])]

    def some(self, **values: Any) -> dict[str, Any]:
        """Some of the values."""
        return {key: value for key, value in values.items() if self.random() < 0.6}


def convolution(draw: Drawn) -> dict[str, Any]:
    padding = draw.choice([draw.pair(0, 3), "valid", "same"])
    return {
        "out_channels": draw.side(),
        "kernel_size": draw.pair(),
        **draw.some(
            stride=1 if padding == "same" else draw.pair(1, 3),
            padding_mode=draw.choice(["zeros", "reflect", "circular", "replicate"]),
            dilation=draw.pair(1, 2),
            groups=draw.choice([1, 1, 2]),
            in_channels=draw.side(),
        ),
        "padding": padding,
    }


def sequence_convolution(draw: Drawn) -> dict[str, Any]:
    return {key: value[0] if isinstance(value, list) else value for key, value in convolution(draw).items()}


def pooling(draw: Drawn) -> dict[str, Any]:
    some = draw.some(stride=draw.pair(1, 5), padding=draw.pair(0, 2), ceil_mode=True, dilation=draw.pair(1, 3))
    return {"kernel_size": draw.pair(), **some}


def average_pooling(draw: Drawn) -> dict[str, Any]:
    return {key: value for key, value in pooling(draw).items() if key != "dilation"}


def transposed(draw: Drawn) -> dict[str, Any]:
    some = draw.some(
        stride=draw.pair(1, 3), padding=draw.pair(0, 3), output_padding=draw.pair(0, 2), dilation=draw.pair(1, 2)
    )
    return {"out_channels": draw.side(), "kernel_size": draw.pair(), **some, **draw.some(groups=draw.side(1, 2))}


DRAWN: dict[str, Callable[[Drawn], dict[str, Any]]] = {
    "conv1d": sequence_convolution,
    "conv2d": convolution,
    "conv_transpose2d": transposed,
    "max_pool2d": pooling,
    "avg_pool2d": average_pooling,
    "adaptive_avg_pool2d": lambda draw: {"output_size": draw.choice([draw.pair(), [None, draw.side()]])},
    "adaptive_max_pool2d": lambda draw: {"output_size": draw.pair()},
    "batch_norm1d": lambda draw: draw.some(num_features=draw.side()),
    "batch_norm2d": lambda draw: draw.some(num_features=draw.side()),
    "instance_norm2d": lambda draw: draw.some(num_features=draw.side(), affine=True),
    "group_norm": lambda draw: {"num_groups": draw.side(1, 3), **draw.some(num_channels=draw.side())},
    "layer_norm": lambda draw: draw.some(normalized_shape=draw.choice([draw.side(), [draw.side(), draw.side()]])),
    "local_response_norm": lambda draw: {"size": draw.side()},
    "linear": lambda draw: {"out_features": draw.side(), **draw.some(in_features=draw.side())},
    "flatten": lambda draw: draw.some(start_dim=draw.randint(-4, 4), end_dim=draw.randint(-4, 4)),
    "unflatten": lambda draw: {
        "dim": draw.randint(-4, 4),
        "unflattened_size": draw.choice([[1, -1], [draw.side(), draw.side()], [2, -1], [draw.side(1, 9)]]),
    },
    "dropout2d": lambda draw: {},
    "upsample": lambda draw: draw.choice([{"size": draw.pair()}, {"scale_factor": draw.choice([0.3, 1.7, [2, 0.5]])}]),
    "pixel_shuffle": lambda draw: {"upscale_factor": draw.side(1, 2)},
    "zero_pad2d": lambda draw: {"padding": draw.choice([draw.side(0), [draw.side(0) for _ in range(4)]])},
    "softmax": lambda draw: {"dim": draw.randint(-4, 4)},
    "log_softmax": lambda draw: {"dim": draw.randint(-4, 4)},
    "prelu": lambda draw: {"num_parameters": draw.side()},
}
"""Layers whose shapes are not simply those of what they are given, or that refuse some."""

STRICTER = {
    "layer_norm": lambda shape, parameters: len(shape) == 1 and isinstance(parameters.get("normalized_shape"), list),
    "flatten": lambda shape, parameters: parameters.get("start_dim") in (0, -1 - len(shape)),
    "unflatten": lambda shape, parameters: parameters["dim"] in (0, -1 - len(shape)),
    "softmax": lambda shape, parameters: parameters["dim"] in (0, -1 - len(shape)),
    "log_softmax": lambda shape, parameters: parameters["dim"] in (0, -1 - len(shape)),
}
"""What torch takes and a pipeline file may not, since samples would mix."""


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize("name", DRAWN)
def test_shapes_are_those_of_torch(name: str) -> None:
    """Random parameters on random samples: the same shape, or both refuse."""
    draw, taken, refused = Drawn(name), 0, 0
    for _ in range(120):
        parameters, shape = DRAWN[name](draw), draw.shape(name)
        try:
            layer = made(name, **parameters)
        except ValidationError:
            refused += 1
            continue
        ranks = getattr(layer, "ranks", ())  # torch would take the batch for channels where a side is missing
        stricter = bool(ranks) and len(shape) not in ranks
        stricter |= name in STRICTER and STRICTER[name](shape, parameters)
        try:
            layer = layer.with_sizes(shape)
            expected = layer.infer_shape(shape)
        except CheckFailed:
            refused += 1
            assert stricter or torch_refuses(layer, shape), (parameters, shape)
            continue
        taken += 1
        given = layer.build()(torch.zeros(2, *shape))
        assert given.shape == (2, *(expected or ())), (parameters, shape)
        assert 0 not in given.shape
    assert taken >= 15
    assert refused >= 5 or name == "flatten"


def torch_refuses(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Whether torch raises too, or gives nothing; sizes that were left out are taken from where they must be."""
    if isinstance(layer, SizedLayer) and getattr(layer, layer.size_parameter) is None:
        layer = layer.model_copy(update={layer.size_parameter: shape[layer.axis]})
    try:
        given: Tensor = layer.build()(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, IndexError, AssertionError, NotImplementedError, TypeError, UserWarning):
        return True
    return 0 in given.shape


@pytest.mark.parametrize("name", DRAWN)
def test_open_sides_stay_open(name: str) -> None:
    """What is worked out for a shape with unknown sides agrees with every shape that it can be."""
    draw = Drawn(f"open {name}")
    for _ in range(60):
        parameters, shape = DRAWN[name](draw), draw.shape(name)
        opened = (shape[0], *(draw.choice([side, None]) for side in shape[1:]))
        try:
            layer = made(name, **parameters)
            exact = layer.with_sizes(shape).infer_shape(shape)
        except (ValidationError, CheckFailed):
            continue
        try:
            known = layer.with_sizes(opened).infer_shape(opened)
        except CheckFailed as failed:
            assert "not known before the run" in failed.message, (parameters, opened)  # noqa: PT017  # one of two ways
            continue
        assert known is not None
        assert exact is not None
        assert all(open_ in (None, side) for open_, side in zip(known, exact, strict=True)), (parameters, opened)


IN_PLACE_AFTER: list[Any] = [
    {"conv2d": {"out_channels": 4, "kernel_size": 1}},
    {"conv_transpose2d": {"out_channels": 4, "kernel_size": 1}},
    "batch_norm2d",
    "instance_norm2d",
    {"group_norm": {"num_groups": 2}},
    "layer_norm",
    {"max_pool2d": {"kernel_size": 2}},
    {"avg_pool2d": {"kernel_size": 2}},
    {"adaptive_avg_pool2d": {"output_size": 2}},
    {"adaptive_max_pool2d": {"output_size": 2}},
    {"upsample": {"scale_factor": 2}},
    {"zero_pad2d": {"padding": 1}},
    {"residual": {"layers": ["sigmoid"]}},
    {"concat": {"branches": ["sigmoid", "tanh"]}},
]


@pytest.mark.parametrize("before", IN_PLACE_AFTER, ids=str)
def test_in_place_changes_no_gradient(before: Any) -> None:
    """Where inplace is allowed, gradients are those without it."""
    gradients = []
    for inplace in (True, False):
        layers = ["sigmoid", before, {"relu": {"inplace": inplace}}]
        layer = made("block", layers=layers).with_sizes((4, 4, 4))
        torch.manual_seed(0)
        built = layer.build()
        values = torch.randn(2, 4, 4, 4, requires_grad=True)
        built(values).square().sum().backward()
        gradients.append(values.grad)
    assert torch.equal(gradients[0], gradients[1])


def test_what_may_be_overwritten_is_all_tested() -> None:
    allowed = {name for name in LAYERS if not LAYERS[name].saves_output}
    tested = {item if isinstance(item, str) else next(iter(item)) for item in IN_PLACE_AFTER}
    assert allowed - tested == {"conv1d", "linear", "batch_norm1d"}


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        (
            "conv2d",
            {"out_channels": 3, "kernel_size": 3, "groups": 2},
            "must divide out_channels, but 2 does not divide 3",
        ),
        ("conv2d", {"out_channels": 4, "in_channels": 3, "kernel_size": 3, "groups": 2}, "must divide in_channels"),
        ("conv2d", {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": "same"}, "requires stride 1"),
        ("conv2d", {"out_channels": 4, "kernel_size": [3, 3, 3]}, "expected a number or"),
        ("conv2d", {"out_channels": 4, "kernel_size": True}, "expected a number or"),
        ("conv2d", {"name": "a.b", "out_channels": 4, "kernel_size": 1}, "a name of letters"),
        ("conv1d", {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": "same"}, "requires stride 1"),
        ("conv_transpose2d", {"out_channels": 4, "kernel_size": 3, "output_padding": 1}, "must be less than stride"),
        ("max_pool2d", {"kernel_size": 2, "padding": 2}, "at most half of kernel_size"),
        ("adaptive_avg_pool2d", {"output_size": 0}, "integers of at least 1"),
        ("upsample", {}, "exactly one of `size` and `scale_factor`"),
        ("upsample", {"size": 2, "scale_factor": 2}, "exactly one of `size` and `scale_factor`"),
        ("upsample", {"size": 2, "align_corners": True}, "has no effect in mode nearest"),
        ("upsample", {"scale_factor": -1}, "greater than 0"),
        ("unflatten", {"unflattened_size": [-1, -1]}, "at most one -1"),
        ("group_norm", {"num_groups": 2, "num_channels": 3}, "must divide num_channels"),
        ("layer_norm", {"normalized_shape": []}, "expected a size or a list"),
        ("dropout", {"p": 1.1}, "less than or equal to 1"),
        ("repeat", {"times": 0, "layers": ["relu"]}, "greater than or equal to 1"),
    ],
)
def test_wrong_parameters(name: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        made(name, **parameters)


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_examples_are_right(name: str) -> None:
    example = dict(LAYERS[name].example)
    layer = made(name, **example)
    for shape in ((16, 8, 8), (256,), (16, 8)):
        try:
            sized = layer.with_sizes(shape)
            expected = sized.infer_shape(shape)
        except CheckFailed:
            continue
        assert sized.build()(torch.zeros(2, *shape)).shape == (2, *(expected or ()))
        return
    pytest.fail(f"the example of {name} fits nothing")


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.parametrize(("mode", "side"), [("reflect", 2), ("circular", 1)])
def test_same_padding_of_even_kernels_is_longer_at_the_end(mode: str, side: int) -> None:
    layer = made("conv2d", in_channels=1, out_channels=1, kernel_size=4, padding="same", padding_mode=mode)
    with pytest.raises(CheckFailed, match=f"pads a side of {side} by 2, but padding_mode {mode}"):
        layer.infer_shape((1, side, side))
    assert torch_refuses(layer, (1, side, side))
    assert (
        layer.build()(torch.zeros(1, 1, side + 1, side + 1)).shape[2:] == layer.infer_shape((1, side + 1, side + 1))[1:]
    )
