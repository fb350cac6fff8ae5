"""The bounds of a layer's output, which checks know without torch, are those of the values that torch computes."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from test_layers import made

from registry_core.registry import registries

VALUES: dict[str, dict[str, Any]] = {
    "relu": {}, "relu6": {}, "leaky_relu": {"negative_slope": 0.2}, "elu": {"alpha": 1.5}, "silu": {}, "hardswish": {},
    "selu": {}, "mish": {}, "gelu": {}, "sigmoid": {}, "tanh": {}, "prelu": {"init": 0.5}, "softmax": {},
    "log_softmax": {}, "identity": {}, "flatten": {}, "dropout": {}, "avg_pool2d": {"kernel_size": 2, "padding": 1},
    "max_pool2d": {"kernel_size": 2}, "zero_pad2d": {"padding": 1}, "local_response_norm": {"size": 2},
    "upsample": {"scale_factor": 2, "mode": "bicubic"}, "adaptive_avg_pool2d": {"output_size": 2},
}  # fmt: skip
RANGES = [(-50.0, 50.0), (-3.0, 2.0), (0.0, 4.0), (0.5, 9.0), (0.0, 1.0), (-2.0, 0.0)]


def computed(name: str, low: float, high: float) -> torch.Tensor:
    """The outputs in evaluation for images with many values of a range, its ends among them."""
    values = torch.linspace(low, high, 4 * 32 * 32).view(1, 4, 32, 32)
    layer: Any = made(name, **VALUES[name]).build()
    return layer.eval()(values).detach()


@pytest.mark.parametrize("limits", RANGES)
@pytest.mark.parametrize("name", VALUES)
def test_no_value_is_beyond_the_bounds(name: str, limits: tuple[float, float]) -> None:
    low, high = made(name, **VALUES[name]).bounds(*limits)
    found = computed(name, *limits)
    assert low - 1e-3 <= float(found.min())
    assert float(found.max()) <= high + 1e-3


@pytest.mark.parametrize("name", ["relu", "relu6", "elu", "silu", "hardswish", "mish", "gelu", "sigmoid", "tanh"])
def test_the_bounds_of_an_activation_are_reached(name: str) -> None:
    low, high = made(name, **VALUES[name]).bounds(-math.inf, math.inf)
    found = computed(name, -50.0, 50.0)
    assert float(found.min()) == pytest.approx(low, abs=2e-3)
    assert high == math.inf or float(found.max()) == pytest.approx(high, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in sorted(VALUES) if name not in ("softmax", "log_softmax")])
def test_zeros_stay_zeros_and_gradients_stop_as_in_torch(name: str) -> None:
    declared = made(name, **VALUES[name])
    zeros = torch.zeros(1, 4, 6, 6, requires_grad=True)
    layer: Any = declared.build()
    found = layer.eval()(zeros)
    found.sum().backward()
    assert zeros.grad is not None
    assert (declared.bounds(0.0, 0.0) == (0.0, 0.0)) == (not found.any())
    assert declared.stops_at_zero == (not zeros.grad.any())


def test_every_activation_is_here() -> None:
    layers = registries.layers
    assert {name for name in layers if layers[name].role == "activation"} <= set(VALUES)


def test_a_layer_is_affine_exactly_if_torch_computes_an_affine_map() -> None:
    """An affine map of the middle of two inputs is the middle of the outputs."""
    layers = registries.layers
    for name in layers:
        if layers[name].role == "":
            continue
        declared = layers[name].model_validate(dict(layers[name].example))
        torch.manual_seed(0)
        for shape in ((4, 6, 6), (4, 6), (4,), (64, 1, 1), (64,), (256,)):
            try:
                sized = declared.with_sizes(shape)
                sized.infer_shape(shape)
            except Exception:  # the next shape
                continue
            layer: Any = sized.build().eval()
            one, other = 3 * torch.randn(2, *shape), 3 * torch.randn(2, *shape)
            middle, outputs = layer((one + other) / 2), (layer(one) + layer(other)) / 2
            assert torch.allclose(middle, outputs, atol=1e-5) == (declared.role in ("weights", "affine")), name
            break
        else:
            raise AssertionError(f"{name} has no shape")
